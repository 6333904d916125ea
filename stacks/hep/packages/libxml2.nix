{ lib, stdenv, sources, zlib, xz }:

stdenv.mkDerivation {
  pname = "libxml2";
  version = "2.9.14";
  src = sources.libxml2;

  buildInputs = [ zlib xz ];
  configureFlags = [
    "--without-python"
    "--without-icu"
    "--with-zlib=${lib.getDev zlib}"
    "--with-lzma=${lib.getDev xz}"
  ];

  meta = {
    description = "XML parser";
    mainProgram = "xmllint";
    license = lib.licenses.mit;
  };
}
