{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "range-v3";
  version = "0.12.0";
  src = sources.range-v3;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [
    "-DRANGE_V3_TESTS=OFF"
    "-DRANGE_V3_EXAMPLES=OFF"
    "-DRANGE_V3_PERF=OFF"
    "-DRANGE_V3_DOCS=OFF"
    "-DRANGES_CXX_STD=17"
  ];

  meta = {
    description = "Ranges for C++14 and later";
    license = lib.licenses.boost;
  };
}
