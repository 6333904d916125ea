{ lib, stdenv, cmake, hepmc3, fastjet }:

stdenv.mkDerivation {
  pname = "analysis";
  version = "1.0";
  src = ../analysis;
  nativeBuildInputs = [ cmake ];
  buildInputs = [ hepmc3 fastjet ];

  separateDebugInfo = true;

  doInstallCheck = true;
  installCheckPhase = ''
    $out/bin/analysis --events 20 --output events.hepmc > generated.txt
    $out/bin/analysis --input events.hepmc > read.txt
    # What was written and read again gives the same jets.
    [ "$(grep digest generated.txt)" = "$(grep digest read.txt)" ]
  '';

  meta = {
    description = "Jets of generated or recorded e+e- events: table, histogram, SVG";
    mainProgram = "analysis";
    license = lib.licenses.asl20;
  };
}
