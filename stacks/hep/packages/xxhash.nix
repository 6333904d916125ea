{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "xxhash";
  version = "0.8.1";
  src = sources.xxhash;

  makeFlags = [ "PREFIX=$(out)" ];
  postInstall = ''
    rm -f $out/lib/*.a
  '';

  meta = {
    description = "Extremely fast hash";
    mainProgram = "xxhsum";
    license = lib.licenses.bsd2;
  };
}
