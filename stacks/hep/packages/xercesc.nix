{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "xerces-c";
  version = "3.2.4";
  src = sources.xerces-c;

  configureFlags = [
    "--disable-network"
    "--without-curl"
    "--without-icu"
    "--enable-transcoder-gnuiconv"
    "--enable-msgloader-inmemory"
  ];

  meta = {
    description = "Validating XML parser in C++";
    license = lib.licenses.asl20;
  };
}
