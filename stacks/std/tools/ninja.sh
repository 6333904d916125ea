# Setup hook of ninja: build, check and install, wherever there is a build.ninja.
export CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}

ninjaBuildPhase() {
  runHook preBuild
  local flags=()
  concatTo flags ninjaFlags ninjaFlagsArray
  ninja "-j$NIX_BUILD_CORES" "${flags[@]}"
  runHook postBuild
}

ninjaCheckPhase() {
  runHook preCheck
  local flags=()
  concatTo flags ninjaFlags ninjaFlagsArray checkFlags
  ninja "-j$NIX_BUILD_CORES" "${flags[@]}" ${checkTarget:-test}
  runHook postCheck
}

ninjaInstallPhase() {
  runHook preInstall
  ninja ${installTargets:-install}
  runHook postInstall
}

if [[ -z ${dontUseNinjaBuild-} && -z ${buildPhase-} ]]; then buildPhase=ninjaBuildPhase; fi
if [[ -z ${dontUseNinjaCheck-} && -z ${checkPhase-} ]]; then checkPhase=ninjaCheckPhase; fi
if [[ -z ${dontUseNinjaInstall-} && -z ${installPhase-} ]]; then installPhase=ninjaInstallPhase; fi
