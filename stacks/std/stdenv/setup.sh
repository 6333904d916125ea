set -eo pipefail
shopt -s inherit_errexit

# ---- hooks -----------------------------------------------------------------

# runHook NAME: the functions and command strings in the array NAMEHooks, then
# the function or the variable NAME.
runHook() {
  local name=$1 hook
  shift
  local -n list="${name}Hooks"
  for hook in "${list[@]}" "$name"; do
    runOneHook "$hook" "$@"
  done
}

runOneHook() {
  local hook=$1
  shift
  if declare -F "$hook" > /dev/null; then
    "$hook" "$@"
  elif [[ $hook =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]]; then
    if [[ -n ${!hook-} ]]; then
      eval "${!hook}"
    fi
  elif [[ -n $hook ]]; then
    eval "$hook"
  fi
  return 0
}

nixLog() { echo "$*" >&2; }

die() {
  echo "error: $*" >&2
  exit 1
}

# ---- small tools for recipes -----------------------------------------------

addToSearchPathWithCustomDelimiter() {
  local delimiter=$1 name=$2 directory=$3
  if [[ -d $directory && ${!name-}$delimiter != *"$directory$delimiter"* ]]; then
    export "$name=${!name:+${!name}$delimiter}$directory"
  fi
}

addToSearchPath() { addToSearchPathWithCustomDelimiter : "$@"; }

appendToVar() {
  local -n variable=$1
  shift
  if [[ $(declare -p "${!variable}" 2> /dev/null) == "declare -a"* ]]; then
    variable+=("$@")
  else
    variable="${variable:+$variable }$*"
  fi
}

prependToVar() {
  local -n variable=$1
  shift
  if [[ $(declare -p "${!variable}" 2> /dev/null) == "declare -a"* ]]; then
    variable=("$@" "${variable[@]}")
  else
    variable="$*${variable:+ $variable}"
  fi
}

# The name of a store path without its digest.
stripHash() {
  local base=${1##*/}
  if [[ $base =~ ^[0-9a-z]{32}- ]]; then
    base=${base:33}
  fi
  printf '%s\n' "$base"
}

# substitute IN OUT (--replace|--replace-fail|--replace-warn|--replace-quiet FROM TO | --subst-var NAME | --subst-var-by NAME TEXT)…
substitute() {
  local input=$1 output=$2 text before from to mode
  shift 2
  [[ -f $input ]] || die "substitute: '$input' is not a file"
  IFS= read -r -d '' text < "$input" || true
  while (($#)); do
    mode=$1
    case $mode in
      --replace | --replace-warn | --replace-fail | --replace-quiet)
        from=$2 to=$3
        shift 3
        ;;
      --subst-var)
        [[ -n ${!2+set} ]] || die "substitute: the variable '$2' is not set"
        from=@$2@ to=${!2} mode=--replace-quiet
        shift 2
        ;;
      --subst-var-by)
        from=@$2@ to=$3 mode=--replace-quiet
        shift 3
        ;;
      *) die "substitute: unknown option '$mode'" ;;
    esac
    before=$text
    text=${text//"$from"/"$to"}
    if [[ $before == "$text" && $from != "$to" ]]; then
      case $mode in
        --replace-fail) die "substitute: '$from' does not occur in '$input'" ;;
        --replace-quiet) ;;
        *) nixLog "warning: substitute: '$from' does not occur in '$input'" ;;
      esac
    fi
  done
  if [[ -e $output ]]; then chmod u+w "$output"; fi
  printf '%s' "$text" > "$output"
}

substituteInPlace() {
  local files=() file
  while (($#)) && [[ $1 != --* ]]; do
    files+=("$1")
    shift
  done
  for file in "${files[@]}"; do
    substitute "$file" "$file" "$@"
  done
}

# Replaces @NAME@ of every exported lower-case variable.
substituteAll() {
  local input=$1 output=$2 name options=()
  while IFS= read -r name; do
    options+=(--subst-var "$name")
  done < <(compgen -e | grep -E '^[a-z][a-zA-Z0-9_]*$')
  substitute "$input" "$output" "${options[@]}"
}

# concatTo ARRAY NAME…: the words of string or array variables, appended.
concatTo() {
  local -n target=$1
  shift
  local name
  for name in "$@"; do
    local -n source_=${name%%=*}
    if [[ $(declare -p "${name%%=*}" 2> /dev/null) == "declare -a"* ]]; then
      target+=("${source_[@]}")
    elif [[ -n ${source_-} ]]; then
      target+=($source_)
    elif [[ $name == *=* ]]; then
      target+=("${name#*=}")
    fi
  done
}

# moveToOutput GLOB OUTPUT-DIRECTORY: from every other output.
moveToOutput() {
  local pattern=$1 target=$2 output file relative
  for output in $(allOutputs); do
    [[ ${!output} == "$target" ]] && continue
    for file in "${!output}"/$pattern; do
      [[ -e $file || -L $file ]] || continue
      relative=${file#"${!output}"/}
      mkdir -p "$target/$(dirname "$relative")"
      if [[ -d $file && -d $target/$relative && ! -L $file ]]; then
        cp -a "$file/." "$target/$relative/"
        rm -rf "$file"
      else
        mv "$file" "$target/$relative"
      fi
      rmdir -p --ignore-fail-on-non-empty "$(dirname "$file")" 2> /dev/null || true
    done
  done
}

allOutputs() { echo "${outputs:-out}"; }

# ---- inputs ----------------------------------------------------------------

declare -a pkgsNative=() pkgsHost=() envHooks=()
declare -A seenInput=()

# addEnvHooks OFFSET FUNCTION…: called with each input once all are known.
addEnvHooks() {
  shift
  envHooks+=("$@")
}

collectInput() {
  local package=$1 kind=$2 file
  [[ -n ${seenInput[$kind:$package]-} ]] && return 0
  seenInput[$kind:$package]=1
  [[ -e $package ]] || die "the input '$package' does not exist"
  if [[ $kind == native ]]; then pkgsNative+=("$package"); else pkgsHost+=("$package"); fi
  for file in propagated-build-inputs propagated-native-build-inputs; do
    if [[ -f $package/nix-support/$file ]]; then
      local propagated words
      read -r -d '' words < "$package/nix-support/$file" || true
      for propagated in $words; do
        if [[ $file == *native* ]]; then collectInput "$propagated" native; else collectInput "$propagated" "$kind"; fi
      done
    fi
  done
}

defaultEnvHook() {
  local package=$1
  if [[ -d $package/include ]]; then
    export NIX_CFLAGS_COMPILE="${NIX_CFLAGS_COMPILE:+$NIX_CFLAGS_COMPILE }-isystem $package/include"
  fi
  if [[ -d $package/lib ]]; then
    export NIX_LDFLAGS="${NIX_LDFLAGS:+$NIX_LDFLAGS }-L$package/lib"
  fi
  addToSearchPath PKG_CONFIG_PATH "$package/lib/pkgconfig"
  addToSearchPath PKG_CONFIG_PATH "$package/share/pkgconfig"
  addToSearchPath ACLOCAL_PATH "$package/share/aclocal"
  if [[ -d $package/lib || -d $package/include || -d $package/share/cmake ]]; then
    addToSearchPath CMAKE_PREFIX_PATH "$package"
  fi
}

activateInputs() {
  local package hook path=
  for package in ${depsBuildBuild-} ${nativeBuildInputs-} ${propagatedNativeBuildInputs-}; do
    collectInput "$package" native
  done
  for package in ${buildInputs-} ${propagatedBuildInputs-}; do
    collectInput "$package" host
  done
  if [[ -n ${doCheck-} ]]; then
    for package in ${nativeCheckInputs-}; do collectInput "$package" native; done
    for package in ${checkInputs-}; do collectInput "$package" host; done
  fi
  for package in "${pkgsNative[@]}" "${pkgsHost[@]}"; do
    [[ -d $package/bin ]] && path+=$package/bin:
  done
  export PATH=$path$NIX_CC/bin:/usr/bin:/usr/sbin
  for package in "${pkgsNative[@]}" "${pkgsHost[@]}"; do
    if [[ -f $package/nix-support/setup-hook ]]; then
      local hostOffset=0 targetOffset=1
      source "$package/nix-support/setup-hook"
    fi
  done
  for package in "${pkgsHost[@]}"; do
    defaultEnvHook "$package"
  done
  for hook in "${envHooks[@]}"; do
    for package in "${pkgsNative[@]}" "${pkgsHost[@]}"; do
      "$hook" "$package"
    done
  done
}

# ---- start -----------------------------------------------------------------

startStdenv() {
  umask 022
  export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315619200} # 1980-01-02: zip cannot say earlier
  export TZ=UTC LC_ALL=C LANG=C
  export NIX_STORE=${NIX_STORE:-${NIX_CC%/*}}
  export NIX_BUILD_TOP=${NIX_BUILD_TOP:-$PWD}
  export CONFIG_SHELL=/bin/bash SHELL=/bin/bash
  export CC=${CC:-cc} CXX=${CXX:-c++} AR=${AR:-ar} RANLIB=${RANLIB:-ranlib} LD=${LD:-ld} NM=${NM:-nm} STRIP=${STRIP:-strip}
  export outputs=${outputs:-out}
  export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PYTHONNOUSERSITE=1
  export GZIP_NO_TIMESTAMPS=1
  # Tools write into the home directory, which does not exist.
  export HOME=${HOME:-/homeless-shelter}
  local top=$NIX_BUILD_TOP map
  # __FILE__ becomes relative; debug information names the sources that the
  # debug output keeps, or, when there is none, relative ones as well.
  map="-fmacro-prefix-map=$top=."
  if [[ -n ${debug-} ]]; then
    map+=" -fdebug-prefix-map=$top=$debug/src"
  else
    map+=" -fdebug-prefix-map=$top=."
  fi
  export NIX_CFLAGS_COMPILE="$map${NIX_CFLAGS_COMPILE:+ $NIX_CFLAGS_COMPILE}"
  export NIX_FFLAGS="$map"
  if [[ -n ${separateDebugInfo-} ]]; then
    export NIX_CFLAGS_COMPILE_BEFORE="-g${NIX_CFLAGS_COMPILE_BEFORE:+ $NIX_CFLAGS_COMPILE_BEFORE}"
  fi
  cores=${NIX_BUILD_CORES:-1}
  if ((cores <= 0)); then cores=$(nproc); fi
  export NIX_BUILD_CORES=$cores
  activateInputs
  : "${prefix:=$out}"
  runHook addInputsHook
}

# ---- phases ----------------------------------------------------------------

genericBuild() {
  local phase
  if [[ -n ${buildCommandPath-} ]]; then
    source "$buildCommandPath"
    return
  fi
  if [[ -n ${buildCommand-} ]]; then
    eval "$buildCommand"
    return
  fi
  if [[ -z ${phases-} ]]; then
    phases="${prePhases-} unpackPhase patchPhase ${preConfigurePhases-} configurePhase ${preBuildPhases-} buildPhase checkPhase ${preInstallPhases-} installPhase ${preFixupPhases-} fixupPhase installCheckPhase ${preDistPhases-} ${postPhases-}"
  fi
  for phase in $phases; do
    runPhase "$phase"
  done
}

runPhase() {
  local phase=$1
  case $phase in
    unpackPhase) [[ -z ${dontUnpack-} ]] || return 0 ;;
    patchPhase) [[ -z ${dontPatch-} ]] || return 0 ;;
    configurePhase) [[ -z ${dontConfigure-} ]] || return 0 ;;
    buildPhase) [[ -z ${dontBuild-} ]] || return 0 ;;
    checkPhase) [[ -n ${doCheck-} ]] || return 0 ;;
    installPhase) [[ -z ${dontInstall-} ]] || return 0 ;;
    fixupPhase) [[ -z ${dontFixup-} ]] || return 0 ;;
    installCheckPhase) [[ -n ${doInstallCheck-} ]] || return 0 ;;
  esac
  # The line by which a reporter knows where a build is.
  echo "@nix { \"action\": \"setPhase\", \"phase\": \"$phase\" }" >&"${NIX_LOG_FD:-2}"
  nixLog "$phase"
  local start=$SECONDS
  if [[ -n ${!phase-} ]]; then
    eval "${!phase}"
  else
    "$phase"
  fi
  if ((SECONDS - start >= 5)); then nixLog "$phase took $((SECONDS - start)) s"; fi
  if [[ $phase == unpackPhase ]]; then
    [[ -n ${sourceRoot-} ]] && chmod +x "${sourceRoot}" && cd "$sourceRoot"
  fi
  return 0
}

unpackPhase() {
  runHook preUnpack
  local file before=" " after directory
  if [[ -z ${srcs-} ]]; then
    [[ -n ${src-} ]] || die "neither 'src' nor 'srcs' is set (dontUnpack = true says that there is nothing to unpack)"
    srcs=$src
  fi
  for directory in *; do
    [[ -d $directory ]] && before+="$directory "
  done
  for file in $srcs; do
    unpackFile "$file"
  done
  if [[ -n ${setSourceRoot-} ]]; then
    runOneHook setSourceRoot
  elif [[ -z ${sourceRoot-} ]]; then
    for directory in *; do
      [[ -d $directory && $before != *" $directory "* ]] || continue
      [[ -z ${sourceRoot-} ]] || die "the sources unpack to several directories ('$sourceRoot', '$directory'); set sourceRoot"
      sourceRoot=$directory
    done
  fi
  [[ -n ${sourceRoot-} ]] || die "the sources unpack to no directory; set sourceRoot"
  if [[ -z ${dontMakeSourcesWritable-} ]]; then chmod -R u+w -- "$sourceRoot"; fi
  runHook postUnpack
}

unpackFile() {
  local file=$1 hook name
  nixLog "unpacking $file"
  if [[ -n ${unpackCmd-} ]]; then
    curSrc=$file
    eval "$unpackCmd"
    return
  fi
  for hook in "${unpackCmdHooks[@]}"; do
    curSrc=$file
    if "$hook" "$file"; then return; fi
  done
  name=$(stripHash "$file")
  if [[ -d $file ]]; then
    cp -r --preserve=mode,timestamps --reflink=auto -- "$file" "$name"
    return
  fi
  case $name in
    *.zip) (cd "$NIX_BUILD_TOP" && python3 -m zipfile -e "$file" .) ;;
    *.tar | *.tar.* | *.tgz | *.tbz | *.tbz2 | *.txz | *.tzst)
      # --mode and --no-same-owner: what the archive's author had is noise.
      tar xf "$file" --mode=+w --warning=no-timestamp --no-same-owner
      ;;
    *) die "do not know how to unpack '$file'" ;;
  esac
}

patchPhase() {
  runHook prePatch
  local patch command
  for patch in ${patches-}; do
    nixLog "applying patch $patch"
    case $patch in
      *.gz) command='gzip -d' ;;
      *.bz2) command='bzip2 -d' ;;
      *.xz) command='xz -d' ;;
      *) command=cat ;;
    esac
    $command < "$patch" | patch ${patchFlags:--p1}
  done
  runHook postPatch
}

checkPhase() {
  runHook preCheck
  local flags=() target=${checkTarget-}
  if [[ -z $target ]] && [[ -f Makefile || -f makefile || -f GNUmakefile || -n ${makefile-} ]]; then
    if make -n ${makefile:+-f $makefile} check > /dev/null 2>&1; then
      target=check
    elif make -n ${makefile:+-f $makefile} test > /dev/null 2>&1; then
      target=test
    fi
  fi
  if [[ -n $target ]]; then
    concatTo flags makeFlags makeFlagsArray checkFlags checkFlagsArray
    make ${makefile:+-f $makefile} ${enableParallelChecking:+-j$NIX_BUILD_CORES} SHELL=/bin/bash "${flags[@]}" $target
  else
    nixLog "no check or test target"
  fi
  runHook postCheck
}

installCheckPhase() {
  runHook preInstallCheck
  if [[ -n ${installCheckTarget-} ]] || make -n installcheck > /dev/null 2>&1; then
    local flags=()
    concatTo flags makeFlags makeFlagsArray installCheckFlags installCheckFlagsArray
    make SHELL=/bin/bash "${flags[@]}" ${installCheckTarget:-installcheck}
  fi
  runHook postInstallCheck
}
