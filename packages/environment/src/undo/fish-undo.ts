/** `baryon_deactivate` for fish. Only global variables are changed: an universal one shows again when that one is erased. */
import { shellNamed } from '../shell.ts'
import type { ChangedVariable, UndoPlan } from './undoable-activation.ts'

const quote = (text: string): string => shellNamed('fish').quote(text)

export function formatFishUndo({ mark, variables, activation }: UndoPlan): string {
  const names = variables.map(({ name }) => name).join(' ')
  return [
    'if set -qg __baryon_mark; baryon_deactivate; end',
    `set -g __baryon_mark ${quote(mark)}`,
    `for __baryon_name in ${names}`,
    '  if set -qg $__baryon_name',
    '    set -g __baryon_before_$__baryon_name $$__baryon_name',
    '    set -g __baryon_was_$__baryon_name -gu',
    '    set -qgx $__baryon_name; and set -g __baryon_was_$__baryon_name -gx',
    '  end',
    'end',
    activation.trimEnd(),
    `for __baryon_name in ${names}`,
    '  set -g __baryon_after_$__baryon_name "$$__baryon_name"',
    'end',
    'set -e __baryon_name',
    PROMPT,
    UNDO,
    'function baryon_deactivate --description "Undo an activation of Baryon"',
    '  if functions fish_prompt | string match -q "*__baryon_marked_prompt*"',
    '    functions -e fish_prompt',
    '    functions -c __baryon_marked_prompt fish_prompt',
    '  end',
    ...variables.map(undo),
    `  for __baryon_name in ${names}`,
    '    set -eg __baryon_{before,was,after}_$__baryon_name',
    '  end',
    '  set -eg __baryon_mark',
    '  functions -e __baryon_undo __baryon_status __baryon_marked_prompt baryon_deactivate',
    'end',
    '',
  ].join('\n')
}

function undo({ name, parts }: ChangedVariable): string {
  const added = parts.flatMap(({ kind, separator, text }) => {
    const [left, middle, right] = [kind === 'prepend' ? '.*?' : '.*', separator + text + separator, '.*']
    return [separator, `(?s)^(${left})${quoteRegex(middle)}(${right})$`]
  })
  return `  __baryon_undo ${[name, ...added.map(quote)].join(' ')}`
}

function quoteRegex(text: string): string {
  return text.replace(/[^A-Za-z0-9_/:,\u0080-\u{10ffff}]/gu, (letter) => `\\${letter}`)
}

/** Arguments: NAME [SEPARATOR PATTERN]…, where a pattern finds what was put there, with separators around. */
const UNDO = `function __baryon_undo
  set -l __baryon_name $argv[1]
  set -l __baryon_before __baryon_before_$__baryon_name
  set -l __baryon_was __baryon_was_$__baryon_name
  set -l __baryon_after __baryon_after_$__baryon_name
  set -l __baryon_value "$$__baryon_name"
  if test "x$__baryon_value" != "x$$__baryon_after"
    for __baryon_pattern in (seq 3 2 (count $argv))
      set -l __baryon_separator $argv[(math $__baryon_pattern - 1)]
      set __baryon_value $__baryon_separator$__baryon_value$__baryon_separator
      set __baryon_value (string replace -r -- $argv[$__baryon_pattern] "\\$1$__baryon_separator\\$2" $__baryon_value | string collect)
      set __baryon_value (string replace -r -- '(?s)\\A.(.*?).?\\z' '$1' $__baryon_value | string collect)
    end
    test "x$__baryon_value" = "x$$__baryon_name"; or set -gx $__baryon_name $__baryon_value
  else if set -qg $__baryon_was
    set $$__baryon_was $__baryon_name $$__baryon_before
  else
    set -eg $__baryon_name
  end
end`

/** A prompt may show the status of the last command. */
const PROMPT = `function __baryon_status; return $argv[1]; end
if status is-interactive; and functions -q fish_prompt
  functions -c fish_prompt __baryon_marked_prompt
  function fish_prompt
    set -l __baryon_last $status
    echo -n $__baryon_mark
    __baryon_status $__baryon_last
    __baryon_marked_prompt
  end
end`
