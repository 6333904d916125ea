{ lib, stdenv, sources, cmake, zlib }:

stdenv.mkDerivation {
  pname = "hepmc3";
  version = "3.1.2";
  src = sources.hepmc3;
  nativeBuildInputs = [ cmake ];
  buildInputs = [ zlib ];
  cmakeFlags = [
    "-DHEPMC3_ENABLE_ROOTIO=OFF"
    "-DHEPMC3_ENABLE_PYTHON=OFF"
    "-DHEPMC3_ENABLE_TEST=OFF"
    "-DHEPMC3_BUILD_STATIC_LIBS=OFF"
    "-DHEPMC3_BUILD_EXAMPLES=OFF"
  ];
  meta = {
    description = "Event record of Monte Carlo generators";
    license = lib.licenses.gpl3Plus;
  };
}
