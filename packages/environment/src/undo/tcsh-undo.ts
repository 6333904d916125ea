/**
 * `baryon_deactivate` for tcsh, which has no functions: an alias of one line, where `if` guards one command and variables that
 * are not set must hide in the text of an `eval`. Only texts of this file come to `eval`; values stay in variables.
 */
import { shellNamed } from '../shell.ts'
import type { ChangedVariable, ListPart, UndoPlan } from './undoable-activation.ts'

const quote = (text: string): string => shellNamed('tcsh').quote(text)

export function formatTcshUndo({ mark, variables, activation }: UndoPlan): string {
  const undoAll = [
    `if ($?__baryon_prompt) eval ${quote('set prompt = ${__baryon_prompt:q}')}`,
    ...variables.map(({ name }) => `__baryon_undo_${name}`),
    'unset __baryon_*',
    'unalias __baryon_*',
    'unalias baryon_deactivate',
  ]
  return [
    'if ($?__baryon_active) then',
    '  baryon_deactivate',
    'endif',
    'set __baryon_active;',
    ...variables.flatMap(remember),
    activation.trimEnd(),
    ...variables.flatMap(undo),
    'if ($?prompt) then',
    '  set __baryon_prompt = ${prompt:q};',
    `  set prompt = ${quote(mark)}\${prompt:q};`,
    'endif',
    `alias baryon_deactivate ${quote(undoAll.join('; '))};`,
    '',
  ].join('\n')
}

function remember({ name }: ChangedVariable): string[] {
  return [
    `if ($?${name}) then`,
    `  set __baryon_before_${name} = \${${name}:q};`,
    `  alias __baryon_restore_${name} ${quote(`setenv ${name} \${__baryon_before_${name}:q}`)};`,
    'else',
    `  alias __baryon_restore_${name} 'unsetenv ${name}';`,
    'endif',
  ]
}

function undo({ name, parts }: ChangedVariable): string[] {
  const isFound = parts.length > 0 && parts.every(canFind)
  const now = 'x${__baryon_now:q}'
  const after = `x\${__baryon_after_${name}:q}`
  const statements = [
    'set __baryon_now = ""',
    `if ($?${name}) eval ${quote(`set __baryon_now = \${${name}:q}`)}`,
    ...(isFound ? [`if ($?${name} && ${now} != ${after}) eval __baryon_remove_${name}`] : []),
    `if (${parts.length > 0 && !isFound ? 1 : `${now} == ${after}`}) eval __baryon_restore_${name}`,
  ]
  return [
    `if ($?${name}) then`,
    `  set __baryon_after_${name} = \${${name}:q};`,
    'else',
    `  set __baryon_after_${name} = "";`,
    'endif',
    ...(isFound ? [`alias __baryon_remove_${name} ${quote(remove(name, parts))};`] : []),
    `alias __baryon_undo_${name} ${quote(statements.join('; '))};`,
  ]
}

/** Whether `:s` can find it in a variable. Where it cannot, what the user changed since makes way for the former value. */
function canFind({ text, separator }: ListPart): boolean {
  return /^[\w@%+=:,./-]+$/.test(text) && /^[:,]$/.test(separator)
}

/** `:s` replaces the first of a text wherever it is, so the end is marked by a word. */
function remove(name: string, parts: readonly ListPart[]): string {
  return [
    `set __baryon_value = \${${name}:q}`,
    ...parts.flatMap(({ text, separator: colon }) => [
      `set __baryon_value = ${colon}\${__baryon_value:q}${colon}__baryon_end`,
      `set __baryon_value = \${__baryon_value:s|${colon}${text}${colon}|${colon}|:q}`,
      `set __baryon_value = \${__baryon_value:s|${colon}__baryon_end||:q}`,
      `set __baryon_value = \${__baryon_value:s|${colon}||:q}`,
    ]),
    `setenv ${name} \${__baryon_value:q}`,
  ].join('; ')
}
