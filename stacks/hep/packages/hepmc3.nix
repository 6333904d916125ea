{ lib, stdenv, sources, cmake }:

stdenv.mkDerivation {
  pname = "hepmc3";
  version = "3.1.2";
  src = sources.hepmc3;
  nativeBuildInputs = [ cmake ];
  cmakeFlags = [
    "-DHEPMC3_ENABLE_ROOTIO=OFF"
    "-DHEPMC3_ENABLE_TEST=OFF"
    "-DHEPMC3_BUILD_EXAMPLES=OFF"
  ];
  postInstall = ''
    rm $out/lib/*_static.a
  '';
  meta = {
    description = "Event record of Monte Carlo generators";
    license = lib.licenses.gpl3Plus;
  };
}
