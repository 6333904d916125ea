
# ---- whole paths of needed libraries ---------------------------------------

# bindLibraries DIRECTORY: programs and libraries below it name what they need by
# its whole path, so that the dynamic loader searches no directory for it. The
# loader takes such a library for the one that others ask for by its name alone.
bindLibraries() {
  local file
  while IFS= read -r -d '' file; do
    if isELF "$file"; then bindLibrariesOf "$file"; fi
  done < <(find "$1" -type f \( -perm /111 -o -name '*.so' -o -name '*.so.*' \) -print0)
}

bindLibrariesOf() {
  local file=$1 path name directory directories arguments=() origin=${1%/*}
  path=$(patchelf --print-rpath "$file" 2> /dev/null) || return 0
  IFS=: read -r -a directories <<< "$path"
  while IFS= read -r name; do
    # The program names its loader, which is there before any library.
    [[ $name == */* || $name == ld-linux* ]] && continue
    for directory in "${directories[@]}"; do
      directory=${directory//'${ORIGIN}'/"$origin"}
      directory=${directory//'$ORIGIN'/"$origin"}
      # What the loader would look at first and we cannot name is left to it.
      [[ $directory == "$NIX_STORE"/* && $directory != *'$'* ]] || break
      [[ -e $directory/$name ]] || continue
      arguments+=(--replace-needed "$name" "$directory/$name")
      break
    done
  done < <(patchelf --print-needed "$file")
  if ((${#arguments[@]} > 0)); then patchelf "${arguments[@]}" "$file"; fi
}

isELF() {
  local magic
  LC_ALL=C IFS= read -r -n 4 -d '' magic < "$1" 2> /dev/null || true
  [[ $magic == $'\x7fELF' ]]
}
