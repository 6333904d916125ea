{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "doctest";
  version = "2.4.9";
  src = sources.doctest;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DDOCTEST_WITH_TESTS=OFF" ];

  meta = {
    description = "Fast single-header test framework";
    license = lib.licenses.mit;
  };
}
