{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "lz4";
  version = "1.9.4";
  src = sources.lz4;

  makeFlags = [ "PREFIX=$(out)" "BUILD_STATIC=no" ];
  buildFlags = [ "lib" "lz4" ];

  meta = {
    description = "Extremely fast compression";
    mainProgram = "lz4";
    license = lib.licenses.bsd2;
  };
}
