# Setup hook of cmake: the configure phase.
cmakeConfigurePhase() {
  runHook preConfigure
  local flags=()
  if [[ -z ${dontUseCmakeBuildDir-} ]]; then
    mkdir -p "${cmakeBuildDir:=build}"
    cd "$cmakeBuildDir"
    : "${cmakeDir:=..}"
  else
    : "${cmakeDir:=.}"
  fi
  if [[ -z ${dontAddPrefix-} ]]; then flags+=("-DCMAKE_INSTALL_PREFIX=$prefix"); fi
  flags+=(
    # The linker wrapper writes run paths; cmake would strip them at install.
    -DCMAKE_SKIP_RPATH=ON
    "-DCMAKE_BUILD_TYPE=${cmakeBuildType:-$defaultBuildType}"
    # The wrapper has the build type's flags, the same for every build system.
    -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG -DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG
    -DCMAKE_C_FLAGS_RELWITHDEBINFO=-DNDEBUG -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-DNDEBUG
    -DCMAKE_C_FLAGS_DEBUG= -DCMAKE_CXX_FLAGS_DEBUG=
    -DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON
    -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
    -DCMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY=OFF
    -DBUILD_TESTING="$([[ -n ${doCheck-} ]] && echo ON || echo OFF)"
    -DFETCHCONTENT_FULLY_DISCONNECTED=ON
    -Wno-dev
  )
  if [[ " $outputs " == *" dev "* ]]; then
    # Absolute, so that what is exported from one output finds the others.
    flags+=("-DCMAKE_INSTALL_INCLUDEDIR=$dev/include" "-DCMAKE_INSTALL_LIBDIR=${lib:-$out}/lib" "-DCMAKE_INSTALL_BINDIR=${bin:-$out}/bin")
  else
    flags+=(-DCMAKE_INSTALL_INCLUDEDIR=include -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_BINDIR=bin)
  fi
  concatTo flags cmakeFlags cmakeFlagsArray
  nixLog "cmake flags: ${flags[*]}"
  cmake "$cmakeDir" "${flags[@]}"
  export CTEST_OUTPUT_ON_FAILURE=1
  if [[ -n ${enableParallelChecking-1} ]]; then export CTEST_PARALLEL_LEVEL=$NIX_BUILD_CORES; fi
  runHook postConfigure
}

if [[ -z ${dontUseCmakeConfigure-} && -z ${configurePhase-} ]]; then
  configurePhase=cmakeConfigurePhase
fi
