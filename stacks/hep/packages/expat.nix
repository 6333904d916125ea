{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "expat";
  version = "2.5.0";
  src = sources.expat;

  outputs = [ "out" "dev" ];
  nativeBuildInputs = [ cmake ];
  cmakeDir = "../expat";
  cmakeFlags = [
    "-DEXPAT_BUILD_DOCS=OFF"
    "-DEXPAT_BUILD_EXAMPLES=OFF"
    "-DEXPAT_BUILD_TESTS=OFF"
  ];

  meta = {
    description = "Stream-oriented XML parser";
    mainProgram = "xmlwf";
    license = lib.licenses.mit;
  };
}
