{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "pybind11";
  version = "2.10.3";
  src = sources.pybind11;

  nativeBuildInputs = [ cmake ];
  cmakeFlags = [ "-DPYBIND11_TEST=OFF" "-DPYBIND11_NOPYTHON=ON" ];

  meta = {
    description = "C++ and Python bindings, headers only";
    license = lib.licenses.bsd3;
  };
}
