{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "nlohmann_json";
  version = "3.11.2";
  src = sources.nlohmann-json3;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DJSON_BuildTests=OFF" "-DJSON_MultipleHeaders=ON" ];

  meta = {
    description = "JSON for modern C++";
    license = lib.licenses.mit;
  };
}
