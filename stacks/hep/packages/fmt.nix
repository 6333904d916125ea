{ lib, stdenv, sources, cmake, ninja }:

stdenv.mkDerivation {
  pname = "fmt";
  version = "9.1.0";
  src = sources.fmtlib;

  nativeBuildInputs = [ cmake ninja ];
  cmakeFlags = [ "-DBUILD_SHARED_LIBS=ON" "-DFMT_TEST=OFF" "-DFMT_DOC=OFF" ];

  meta = {
    description = "Formatting library for C++";
    license = lib.licenses.mit;
  };
}
