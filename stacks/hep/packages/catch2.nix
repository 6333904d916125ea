{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "catch2";
  version = "2.13.10";
  src = sources.catch2;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DCATCH_INSTALL_DOCS=OFF" "-DCATCH_BUILD_TESTING=OFF" ];

  meta = {
    description = "Test framework for C++";
    license = lib.licenses.boost;
  };
}
