{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "microsoft-gsl";
  version = "4.0.0";
  src = sources.ms-gsl;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DGSL_TEST=OFF" ];

  meta = {
    description = "Guidelines support library";
    license = lib.licenses.mit;
  };
}
