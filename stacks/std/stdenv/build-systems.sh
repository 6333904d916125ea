
# ---- configure, make -------------------------------------------------------

configurePhase() {
  runHook preConfigure
  local flags=()
  : "${configureScript:=}"
  if [[ -z $configureScript && -x ./configure ]]; then configureScript=./configure; fi
  if [[ -n $configureScript ]]; then
    local script=${configureScript%% *}
    if [[ -z ${dontAddPrefix-} ]]; then flags+=("${prefixKey:---prefix=}$prefix"); fi
    if [[ -f $script ]]; then
      if [[ -z ${dontAddDisableDepTrack-} ]] && grep -q dependency-tracking "$script"; then
        flags+=(--disable-dependency-tracking)
      fi
      if [[ -z ${dontDisableStatic-} ]] && grep -q enable-static "$script"; then
        flags+=(--disable-static)
      fi
      # autoconf's own default would be -g -O2, whatever the build type.
      export CFLAGS=${CFLAGS-$defaultBuildFlags} CXXFLAGS=${CXXFLAGS-$defaultBuildFlags}
      export FFLAGS=${FFLAGS-$defaultBuildFlags} FCFLAGS=${FCFLAGS-$defaultBuildFlags}
    fi
    if [[ -n ${dev-} && -z ${dontAddPrefix-} && -z ${setOutputFlags-} && " ${outputs} " == *" dev "* ]]; then
      flags+=("--includedir=$dev/include")
    fi
    concatTo flags configureFlags configureFlagsArray
    nixLog "configure flags: ${flags[*]}"
    $configureScript "${flags[@]}"
  else
    nixLog "no configure script"
  fi
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  if [[ -z ${makeFlags-} && -z ${makefile-} && ! -e Makefile && ! -e makefile && ! -e GNUmakefile ]]; then
    nixLog "no Makefile"
  else
    local flags=()
    if [[ -n ${enableParallelBuilding-} ]]; then flags+=("-j$NIX_BUILD_CORES"); fi
    flags+=(SHELL=/bin/bash)
    concatTo flags makeFlags makeFlagsArray buildFlags buildFlagsArray
    make ${makefile:+-f $makefile} "${flags[@]}"
  fi
  runHook postBuild
}

installPhase() {
  runHook preInstall
  if [[ -z ${makeFlags-} && -z ${makefile-} && ! -e Makefile && ! -e makefile && ! -e GNUmakefile ]]; then
    die "no Makefile and no installPhase"
  fi
  [[ -n $prefix ]] && mkdir -p "$prefix"
  local flags=()
  if [[ -n ${enableParallelInstalling-} ]]; then flags+=("-j$NIX_BUILD_CORES"); fi
  flags+=(SHELL=/bin/bash)
  concatTo flags makeFlags makeFlagsArray installFlags installFlagsArray installTargets=install
  make ${makefile:+-f $makefile} "${flags[@]}"
  runHook postInstall
}
