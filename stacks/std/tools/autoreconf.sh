# Setup hook: makes ./configure from configure.ac.
autoreconfPhase() {
  runHook preAutoreconf
  autoreconf ${autoreconfFlags:---install --force}
  runHook postAutoreconf
}
preConfigurePhases="${preConfigurePhases-} autoreconfPhase"
