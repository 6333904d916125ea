# The Python module of FastJet, from the wrapper that its source brings: one library for as many Pythons as wanted.
{ lib, stdenv, python, fastjet }:
let
  inherit (python) pythonVersion;
in
stdenv.mkDerivation {
  pname = "python${pythonVersion}-fastjet";
  inherit (fastjet) version src;
  propagatedBuildInputs = [ python ];
  buildInputs = [ fastjet ];

  dontConfigure = true;
  # As upstream compiles it; the warnings are about generated code.
  buildPhase = ''
    runHook preBuild
    cd pyinterface
    $CXX -shared -fPIC -O2 -w -DSWIG -DSWIG_TYPE_TABLE=fastjet -I. $(${python}/bin/python${pythonVersion}-config --includes) \
      swig_wrap.cpp -o _fastjet.so -lfastjettools -lfastjetplugins -lfastjet
    runHook postBuild
  '';
  installPhase = ''
    runHook preInstall
    site=$out/lib/python${pythonVersion}/site-packages
    install -D -t "$site" fastjet.py _fastjet.so
    SOURCE_DATE_EPOCH=1 ${python}/bin/python${pythonVersion} -s -m compileall -q --invalidation-mode unchecked-hash \
      -s "$out" -p "$out" "$site"
    runHook postInstall
  '';
  doInstallCheck = true;
  installCheckPhase = ''
    (cd / && PYTHONPATH=$site ${python}/bin/python${pythonVersion} -c '
    import fastjet
    particles = [fastjet.PseudoJet(99.0, 0.1, 0, 100.0), fastjet.PseudoJet(4.0, -0.1, 0, 5.0), fastjet.PseudoJet(-99.0, 0, 0, 99.0)]
    jets = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.7)).inclusive_jets()
    assert len(jets) == 2, len(jets)')
  '';

  meta = {
    description = "Jet finding in high-energy collisions, from Python";
    license = lib.licenses.gpl2Plus;
  };
}
