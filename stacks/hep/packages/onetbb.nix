{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "onetbb";
  version = "2021.8.0";
  src = sources.onetbb;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DTBB_TEST=OFF" "-DTBB_STRICT=OFF" "-DTBB_DISABLE_HWLOC_AUTOMATIC_SEARCH=ON" ];

  meta = {
    description = "Threading building blocks";
    license = lib.licenses.asl20;
  };
}
