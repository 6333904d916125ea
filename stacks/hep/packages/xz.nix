{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "xz";
  version = "5.4.1";
  src = sources.xz-utils;

  configureFlags = [ "--disable-doc" "--disable-nls" ];

  meta = {
    description = "LZMA compression: library and tools";
    mainProgram = "xz";
    license = lib.licenses.publicDomain;
  };
}
