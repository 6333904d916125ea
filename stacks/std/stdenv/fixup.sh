
# ---- fixup -----------------------------------------------------------------

fixupPhase() {
  local output
  for output in $outputs; do
    if [[ -e ${!output} ]]; then chmod -R u+w,u-s,g-s -- "${!output}"; fi
  done
  runHook preFixup
  moveDevelopmentFiles
  for output in $outputs; do
    [[ $output == debug || ! -e ${!output} ]] && continue
    prefix=${!output} runHook fixupOutput
    fixupOneOutput "${!output}"
  done
  recordPropagation
  if [[ " $outputs " == *" debug "* ]]; then
    mkdir -p "$debug/lib/debug/.build-id"
    copyDebugSources
  fi
  runHook postFixup
  # Last of all: what patchelf has moved, strip may not touch.
  if [[ -z ${dontBindLibraries-}${dontPatchELF-} ]]; then
    for output in $outputs; do
      [[ $output == debug || ! -d ${!output} ]] || bindLibraries "${!output}"
    done
  fi
}

fixupOneOutput() {
  local directory=$1
  [[ -d $directory ]] || return 0
  # libtool's archives repeat build directories and would link too much.
  if [[ -z ${dontPruneLibtoolFiles-} ]]; then
    find "$directory" -name '*.la' -type f -delete
  fi
  rm -f "$directory/share/info/dir"
  if [[ -d $directory/man && ! -e $directory/share/man ]]; then
    mkdir -p "$directory/share"
    mv "$directory/man" "$directory/share/man"
  fi
  if [[ -z ${dontPatchShebangs-} ]]; then patchShebangs "$directory"; fi
  local file
  while IFS= read -r -d '' file; do
    fixupBinary "$file"
  done < <(find "$directory" -type f \( -perm /111 -o -name '*.so' -o -name '*.so.*' -o -name '*.a' -o -name '*.o' \) -print0)
}

isScript() {
  local magic
  LC_ALL=C IFS= read -r -n 2 -d '' magic < "$1" 2> /dev/null || true
  [[ $magic == '#!' ]]
}

fixupBinary() {
  local file=$1
  case $file in
    *.a)
      if [[ -z ${dontStrip-}$stdenvKeepSymbols ]]; then strip --enable-deterministic-archives --strip-debug "$file" || true; fi
      return
      ;;
    *.o | *.ko) return ;;
  esac
  isELF "$file" || return 0
  if [[ -z ${dontPatchELF-} ]]; then shrinkRunPath "$file"; fi
  if [[ -n ${separateDebugInfo-} && -z $stdenvKeepSymbols ]]; then
    splitDebugInfo "$file"
  elif [[ -z ${dontStrip-}$stdenvKeepSymbols ]]; then
    strip --strip-debug "$file" || true
  fi
}

# Leaves the directories from which something needed comes. A path into the
# build directory would be a hole for whoever can write there.
shrinkRunPath() {
  local file=$1 path
  path=$(patchelf --print-rpath "$file" 2> /dev/null) || return 0
  [[ -n $path ]] || return 0
  patchelf --force-rpath --shrink-rpath "$file" || return 0
  path=$(patchelf --print-rpath "$file")
  case ":$path" in
    *":$NIX_BUILD_TOP"*) die "the run path of '$file' leads into the build directory: $path" ;;
  esac
}

splitDebugInfo() {
  local file=$1 id target
  id=$(readelf -n "$file" 2> /dev/null | sed -n 's/ *Build ID: \([0-9a-f]*\).*/\1/p' | head -n 1)
  if [[ ${#id} != 40 ]]; then
    strip --strip-debug "$file" || true
    return 0
  fi
  target=$debug/lib/debug/.build-id/${id:0:2}
  mkdir -p "$target"
  objcopy --only-keep-debug "$file" "$target/${id:2}.debug"
  strip --strip-unneeded "$file"
  objcopy --add-gnu-debuglink="$target/${id:2}.debug" "$file"
}

# The sources that the debug information names, at the names it gives them.
copyDebugSources() {
  local target=$debug/src
  mkdir -p "$target"
  (
    cd "$NIX_BUILD_TOP"
    find . -type f \( -name '*.[cChHfFyls]' -o -name '*.cc' -o -name '*.cpp' -o -name '*.cxx' -o -name '*.hh' \
      -o -name '*.hpp' -o -name '*.hxx' -o -name '*.icc' -o -name '*.ipp' -o -name '*.tcc' -o -name '*.inl' \
      -o -name '*.inc' -o -name '*.def' -o -name '*.f90' -o -name '*.F90' -o -name '*.S' \) \
      -not -path '*/CMakeFiles/*' -print0 | xargs -0r cp --parents --no-preserve=mode,ownership -t "$target"
  )
}

# patchShebangs DIRECTORY…: interpreters become the inputs' ones. /bin/sh stays:
# every host has it, and the closure stays small.
patchShebangs() {
  local file first interpreter arguments program found
  while IFS= read -r -d '' file; do
    isScript "$file" || continue
    IFS= read -r first < "$file" || true
    first=${first#\#!}
    first=${first#"${first%%[! ]*}"}
    interpreter=${first%% *} arguments=
    if [[ $first == *' '* ]]; then arguments=${first#* }; fi
    program=${interpreter##*/}
    if [[ $program == env ]]; then
      program=${arguments%% *}
      if [[ $program == -* || $program == *=* ]]; then continue; fi
      if [[ $arguments == *' '* ]]; then arguments=${arguments#* }; else arguments=; fi
    fi
    case $interpreter in
      /bin/sh | "$NIX_STORE"/*) continue ;;
    esac
    found=$(findHostProgram "$program")
    if [[ -n $found ]]; then
      [[ -w $file ]] || chmod u+w "$file"
      sed -i --follow-symlinks "1s|.*|#!${found}${arguments:+ $arguments}|" "$file"
    elif [[ $interpreter == /usr/bin/* && $interpreter != /usr/bin/env && -z $arguments ]]; then
      # What only the build root has must not look as if the host had it there.
      sed -i --follow-symlinks "1s|.*|#!/usr/bin/env ${program}|" "$file"
    fi
  done < <(find "$@" -type f -perm /111 -print0)
}

findHostProgram() {
  local package
  for package in "$out" "${pkgsHost[@]}" ${runtimeShell:+"$runtimeShell"}; do
    if [[ -x $package/bin/$1 ]]; then
      echo "$package/bin/$1"
      return
    fi
  done
}

# With an output `dev`: what only compilers need goes there.
moveDevelopmentFiles() {
  if [[ " $outputs " == *" dev "* ]]; then
    local pattern
    for pattern in include lib/pkgconfig share/pkgconfig lib/cmake share/aclocal; do
      moveToOutput "$pattern" "$dev"
    done
    if [[ -d $dev ]]; then
      find "$dev" -name '*.pc' -type f -exec sed -i "s|^includedir=.*|includedir=$dev/include|" {} +
    fi
  fi
  if [[ " $outputs " == *" bin "* ]]; then moveToOutput bin "$bin"; fi
  if [[ " $outputs " == *" man "* ]]; then moveToOutput share/man "$man"; fi
  if [[ " $outputs " == *" doc "* ]]; then moveToOutput share/doc "$doc"; fi
}

recordPropagation() {
  local target=${dev:-$out} propagated="${propagatedBuildInputs-}"
  if [[ -n ${dev-} && " $outputs " == *" dev "* && -e $out ]]; then propagated="$out $propagated"; fi
  if [[ -n ${propagated// /} ]]; then
    mkdir -p "$target/nix-support"
    printf '%s\n' $propagated > "$target/nix-support/propagated-build-inputs"
  fi
  if [[ -n ${propagatedNativeBuildInputs-} ]]; then
    mkdir -p "$target/nix-support"
    printf '%s\n' $propagatedNativeBuildInputs > "$target/nix-support/propagated-native-build-inputs"
  fi
  if [[ -n ${setupHook-} ]]; then
    mkdir -p "$target/nix-support"
    substituteAll "$setupHook" "$target/nix-support/setup-hook"
  fi
}

