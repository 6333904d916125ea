{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "gtest";
  version = "1.12.1";
  src = sources.googletest;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DBUILD_SHARED_LIBS=ON" ];

  meta = {
    description = "Google's test framework for C++";
    license = lib.licenses.bsd3;
  };
}
