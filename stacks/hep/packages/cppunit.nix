{ lib, stdenv, sources }:

stdenv.mkDerivation {
  pname = "cppunit";
  version = "1.15.1";
  src = sources.cppunit;

  configureFlags = [ "--disable-doxygen" ];

  meta = {
    description = "Unit tests for C++";
    license = lib.licenses.lgpl21Plus;
  };
}
