# HEP/1.0 for x86_64-el9-gcc13-opt
if [ "${_baryon_shell-}" = "$$" ] && command -v baryon_deactivate >/dev/null; then baryon_deactivate; fi
_baryon_shell=$$
_baryon_exports=$(export -p)
_baryon_state() {
  case $2$_baryon_exports in
  set*" $1="* | set*" $1 "*) _baryon_value=exported ;;
  set*) _baryon_value=shell ;;
  *) _baryon_value= ;;
  esac
}
_baryon_before_BARYON_RELEASE="${BARYON_RELEASE-}"
_baryon_state BARYON_RELEASE "${BARYON_RELEASE+set}"; _baryon_was_BARYON_RELEASE=$_baryon_value
_baryon_before_BINARY_TAG="${BINARY_TAG-}"
_baryon_state BINARY_TAG "${BINARY_TAG+set}"; _baryon_was_BINARY_TAG=$_baryon_value
_baryon_before_CMTCONFIG="${CMTCONFIG-}"
_baryon_state CMTCONFIG "${CMTCONFIG+set}"; _baryon_was_CMTCONFIG=$_baryon_value
_baryon_before_HEP_DATA="${HEP_DATA-}"
_baryon_state HEP_DATA "${HEP_DATA+set}"; _baryon_was_HEP_DATA=$_baryon_value
_baryon_before_QUOTED="${QUOTED-}"
_baryon_state QUOTED "${QUOTED+set}"; _baryon_was_QUOTED=$_baryon_value
_baryon_before_PATH="${PATH-}"
_baryon_state PATH "${PATH+set}"; _baryon_was_PATH=$_baryon_value
_baryon_before_MANPATH="${MANPATH-}"
_baryon_state MANPATH "${MANPATH+set}"; _baryon_was_MANPATH=$_baryon_value
_baryon_before_XDG_DATA_DIRS="${XDG_DATA_DIRS-}"
_baryon_state XDG_DATA_DIRS "${XDG_DATA_DIRS+set}"; _baryon_was_XDG_DATA_DIRS=$_baryon_value
_baryon_before_ROOT_INCLUDE_PATH="${ROOT_INCLUDE_PATH-}"
_baryon_state ROOT_INCLUDE_PATH "${ROOT_INCLUDE_PATH+set}"; _baryon_was_ROOT_INCLUDE_PATH=$_baryon_value
unset _baryon_exports
unset -f _baryon_state
export BARYON_RELEASE=HEP/1.0
export BINARY_TAG=x86_64-el9-gcc13-opt
export CMTCONFIG=x86_64-el9-gcc13-opt
export HEP_DATA=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share
export QUOTED='it'\''s "5"!\'
export PATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin:"${PATH:-/usr/local/bin:/usr/bin:/bin}"
export MANPATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man:"${MANPATH:-}"
export XDG_DATA_DIRS=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share:"${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
export ROOT_INCLUDE_PATH=/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include"${ROOT_INCLUDE_PATH:+:$ROOT_INCLUDE_PATH}"
export MANPATH=/first:"${MANPATH:-}"
export MANPATH="${MANPATH:-}":/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last
_baryon_after_BARYON_RELEASE="${BARYON_RELEASE-}"
_baryon_after_BINARY_TAG="${BINARY_TAG-}"
_baryon_after_CMTCONFIG="${CMTCONFIG-}"
_baryon_after_HEP_DATA="${HEP_DATA-}"
_baryon_after_QUOTED="${QUOTED-}"
_baryon_after_PATH="${PATH-}"
_baryon_after_MANPATH="${MANPATH-}"
_baryon_after_XDG_DATA_DIRS="${XDG_DATA_DIRS-}"
_baryon_after_ROOT_INCLUDE_PATH="${ROOT_INCLUDE_PATH-}"
_baryon_mark='[HEP/1.0] '
case $-${PS1:+prompt} in
*i*prompt) PS1="$_baryon_mark$PS1" ;;
*) _baryon_mark= ;;
esac
_baryon_undo() {
  if [ ".$2" = ".$3" ]; then
    _baryon_value="$5"
    case $4${ZSH_VERSION+zsh} in
    exported*) export "$1" ;;
    shellzsh) typeset -g +x "$1" ;;
    *) unset "$1" ;;
    esac
    [ -n "$4" ]
    return
  fi
  _baryon_now="$2" _baryon_value="$2"
  shift 5
  while [ $# -gt 0 ]; do
    _baryon_value="$2$_baryon_value$2"
    case $1$_baryon_value in
    prepend*"$2$3$2"*) _baryon_value="${_baryon_value%%"$2$3$2"*}$2${_baryon_value#*"$2$3$2"}" ;;
    append*"$2$3$2"*) _baryon_value="${_baryon_value%"$2$3$2"*}$2${_baryon_value##*"$2$3$2"}" ;;
    esac
    _baryon_value="${_baryon_value#"$2"}"
    _baryon_value="${_baryon_value%"$2"}"
    shift 3
  done
  [ ".$_baryon_value" != ".$_baryon_now" ]
}
baryon_deactivate() {
  if [ -n "${PS1-}" ]; then PS1="${PS1#"$_baryon_mark"}"; fi
  if _baryon_undo BARYON_RELEASE "${BARYON_RELEASE-}" "$_baryon_after_BARYON_RELEASE" "$_baryon_was_BARYON_RELEASE" "$_baryon_before_BARYON_RELEASE"; then BARYON_RELEASE="$_baryon_value"; fi
  if _baryon_undo BINARY_TAG "${BINARY_TAG-}" "$_baryon_after_BINARY_TAG" "$_baryon_was_BINARY_TAG" "$_baryon_before_BINARY_TAG"; then BINARY_TAG="$_baryon_value"; fi
  if _baryon_undo CMTCONFIG "${CMTCONFIG-}" "$_baryon_after_CMTCONFIG" "$_baryon_was_CMTCONFIG" "$_baryon_before_CMTCONFIG"; then CMTCONFIG="$_baryon_value"; fi
  if _baryon_undo HEP_DATA "${HEP_DATA-}" "$_baryon_after_HEP_DATA" "$_baryon_was_HEP_DATA" "$_baryon_before_HEP_DATA"; then HEP_DATA="$_baryon_value"; fi
  if _baryon_undo QUOTED "${QUOTED-}" "$_baryon_after_QUOTED" "$_baryon_was_QUOTED" "$_baryon_before_QUOTED"; then QUOTED="$_baryon_value"; fi
  if _baryon_undo PATH "${PATH-}" "$_baryon_after_PATH" "$_baryon_was_PATH" "$_baryon_before_PATH" prepend : /cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/bin:/cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/sbin; then PATH="$_baryon_value"; fi
  if _baryon_undo MANPATH "${MANPATH-}" "$_baryon_after_MANPATH" "$_baryon_was_MANPATH" "$_baryon_before_MANPATH" append : /cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/man:/last prepend : /first prepend : /cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share/man; then MANPATH="$_baryon_value"; fi
  if _baryon_undo XDG_DATA_DIRS "${XDG_DATA_DIRS-}" "$_baryon_after_XDG_DATA_DIRS" "$_baryon_was_XDG_DATA_DIRS" "$_baryon_before_XDG_DATA_DIRS" prepend : /cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/share; then XDG_DATA_DIRS="$_baryon_value"; fi
  if _baryon_undo ROOT_INCLUDE_PATH "${ROOT_INCLUDE_PATH-}" "$_baryon_after_ROOT_INCLUDE_PATH" "$_baryon_was_ROOT_INCLUDE_PATH" "$_baryon_before_ROOT_INCLUDE_PATH" prepend : /cvmfs/hep.example.org/nix/store/00000000000000000000000000000000-HEP-1.0-view/include; then ROOT_INCLUDE_PATH="$_baryon_value"; fi
  unset _baryon_shell _baryon_mark _baryon_now _baryon_value _baryon_before_BARYON_RELEASE _baryon_was_BARYON_RELEASE _baryon_after_BARYON_RELEASE _baryon_before_BINARY_TAG _baryon_was_BINARY_TAG _baryon_after_BINARY_TAG _baryon_before_CMTCONFIG _baryon_was_CMTCONFIG _baryon_after_CMTCONFIG _baryon_before_HEP_DATA _baryon_was_HEP_DATA _baryon_after_HEP_DATA _baryon_before_QUOTED _baryon_was_QUOTED _baryon_after_QUOTED _baryon_before_PATH _baryon_was_PATH _baryon_after_PATH _baryon_before_MANPATH _baryon_was_MANPATH _baryon_after_MANPATH _baryon_before_XDG_DATA_DIRS _baryon_was_XDG_DATA_DIRS _baryon_after_XDG_DATA_DIRS _baryon_before_ROOT_INCLUDE_PATH _baryon_was_ROOT_INCLUDE_PATH _baryon_after_ROOT_INCLUDE_PATH
  unset -f _baryon_undo baryon_deactivate
}
