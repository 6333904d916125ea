# makeWrapper PROGRAM WRAPPER [OPTION…], wrapProgram PROGRAM [OPTION…]:
#   --set NAME VALUE, --set-default NAME VALUE, --unset NAME,
#   --prefix NAME SEPARATOR VALUE, --suffix NAME SEPARATOR VALUE,
#   --run COMMAND, --chdir DIRECTORY, --add-flags WORDS, --append-flags WORDS, --argv0 NAME
makeWrapper() {
  local program=$1 wrapper=$2 body='' before='' after='' argv0='"$0"' name separator value
  shift 2
  [[ -x $program ]] || die "makeWrapper: '$program' is not a program"
  while (($#)); do
    case $1 in
      --set) body+="export $2=${3@Q}"$'\n' && shift 3 ;;
      --set-default) body+="export $2=\${$2-${3@Q}}"$'\n' && shift 3 ;;
      --unset) body+="unset $2"$'\n' && shift 2 ;;
      --prefix | --suffix)
        name=$2 separator=$3 value=$4
        if [[ $1 == --prefix ]]; then
          body+="export $name=${value@Q}\${$name:+${separator@Q}}\${$name-}"$'\n'
        else
          body+="export $name=\${$name-}\${$name:+${separator@Q}}${value@Q}"$'\n'
        fi
        shift 4
        ;;
      --run) body+=$2$'\n' && shift 2 ;;
      --chdir) body+="cd ${2@Q}"$'\n' && shift 2 ;;
      --add-flags) before+="$2 " && shift 2 ;;
      --append-flags) after+=" $2" && shift 2 ;;
      --argv0) argv0=${2@Q} && shift 2 ;;
      --inherit-argv0) shift ;;
      *) die "makeWrapper: unknown option '$1'" ;;
    esac
  done
  mkdir -p "$(dirname "$wrapper")"
  printf '#!%s\n%sexec -a %s %q %s"$@"%s\n' '@shell@' "$body" "$argv0" "$program" "$before" "$after" > "$wrapper"
  chmod +x "$wrapper"
}

wrapProgram() {
  local program=$1 hidden
  hidden=${program%/*}/.${program##*/}-wrapped
  [[ -x $program ]] || die "wrapProgram: '$program' is not a program"
  while [[ -e $hidden ]]; do hidden+=_; done
  mv "$program" "$hidden"
  shift
  makeWrapper "$hidden" "$program" "$@"
}

makeShellWrapper() { makeWrapper "$@"; }
wrapProgramShell() { wrapProgram "$@"; }
