/** `baryon_deactivate` for sh, bash and zsh. */
import { quotePosix } from '../shell.ts'
import type { ChangedVariable, UndoPlan } from './undoable-activation.ts'

export function formatPosixUndo({ mark, variables, activation }: UndoPlan): string {
  const kept = variables.flatMap(({ name }) => ['before', 'was', 'after'].map((what) => `${what}_${name}`))
  return [
    // `set -a` gives all that is here to the processes of the shell, some without the functions.
    'if [ "${_baryon_shell-}" = "$$" ] && command -v baryon_deactivate >/dev/null; then baryon_deactivate; fi',
    '_baryon_shell=$$',
    '_baryon_exports=$(export -p)',
    STATE,
    ...variables.flatMap(remember),
    'unset _baryon_exports',
    'unset -f _baryon_state',
    activation.trimEnd(),
    ...variables.map(({ name }) => `_baryon_after_${name}="\${${name}-}"`),
    `_baryon_mark=${quotePosix(mark)}`,
    'case $-${PS1:+prompt} in',
    '*i*prompt) PS1="$_baryon_mark$PS1" ;;',
    '*) _baryon_mark= ;;',
    'esac',
    UNDO,
    'baryon_deactivate() {',
    '  if [ -n "${PS1-}" ]; then PS1="${PS1#"$_baryon_mark"}"; fi',
    ...variables.map(undo),
    `  unset ${['shell', 'mark', 'now', 'value', ...kept].map((one) => `_baryon_${one}`).join(' ')}`,
    '  unset -f _baryon_undo baryon_deactivate',
    '}',
    '',
  ].join('\n')
}

function remember({ name }: ChangedVariable): string[] {
  return [
    `_baryon_before_${name}="\${${name}-}"`,
    `_baryon_state ${name} "\${${name}+set}"; _baryon_was_${name}=$_baryon_value`,
  ]
}

/**
 * Arguments: NAME SET. Gives as `_baryon_value` whether a variable is `exported`, of the `shell` alone, or not set (empty). The list of
 * exports begins its lines with `export NAME=`, `declare -x NAME=`, or in zsh `export -T NAME name=`.
 */
const STATE = `_baryon_state() {
  case $2$_baryon_exports in
  set*" $1="* | set*" $1 "*) _baryon_value=exported ;;
  set*) _baryon_value=shell ;;
  *) _baryon_value= ;;
  esac
}`

function undo({ name, parts }: ChangedVariable): string {
  const state = `"\${${name}-}" "$_baryon_after_${name}" "$_baryon_was_${name}" "$_baryon_before_${name}"`
  const added = parts.flatMap(({ kind, separator, text }) => [kind, quotePosix(separator), quotePosix(text)])
  return `  if _baryon_undo ${[name, state, ...added].join(' ')}; then ${name}="$_baryon_value"; fi`
}

/**
 * Arguments: NAME NOW AFTER WAS BEFORE [KIND SEPARATOR TEXT]…; true when the variable is to become `_baryon_value`.
 * A variable that zsh itself knows, as MANPATH, is always set and stays exported when it is unset.
 */
const UNDO = `_baryon_undo() {
  if [ ".$2" = ".$3" ]; then
    _baryon_value="$5"
    case $4\${ZSH_VERSION+zsh} in
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
    prepend*"$2$3$2"*) _baryon_value="\${_baryon_value%%"$2$3$2"*}$2\${_baryon_value#*"$2$3$2"}" ;;
    append*"$2$3$2"*) _baryon_value="\${_baryon_value%"$2$3$2"*}$2\${_baryon_value##*"$2$3$2"}" ;;
    esac
    _baryon_value="\${_baryon_value#"$2"}"
    _baryon_value="\${_baryon_value%"$2"}"
    shift 3
  done
  [ ".$_baryon_value" != ".$_baryon_now" ]
}`
