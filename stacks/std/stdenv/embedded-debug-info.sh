# Setup hook of the build types whose products keep their debug information.
# That names the sources in the output `debug`, and what configure or make wrote
# among them often holds the prefix: two outputs would name each other.
postFixupHooks+=(maskOutputsInDebugSources)

# The copies say eeee… where the hash was, a letter that no hash has.
maskOutputsInDebugSources() {
  [[ -d ${debug-}/src ]] || return 0
  local output name edits=() names=()
  for output in $outputs; do
    [[ $output == debug ]] && continue
    name=${!output##*/}
    name=${name%%-*}
    names+=(-e "$name")
    edits+=(-e "s/$name/${name//?/e}/g")
  done
  { grep -rlZF "${names[@]}" -- "$debug/src" || (($? == 1)); } | xargs -0r sed -i "${edits[@]}"
}
