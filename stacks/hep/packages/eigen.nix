{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "eigen";
  version = "3.4.0";
  src = sources.eigen3;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DEIGEN_BUILD_DOC=OFF" "-DEIGEN_BUILD_PKGCONFIG=ON" ];

  meta = {
    description = "Linear algebra templates";
    license = lib.licenses.mpl20;
  };
}
