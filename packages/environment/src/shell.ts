/**
 * Four families of shells, each as the few sentences that an activation script needs.
 *
 * A statement is one or more complete lines. Values are arbitrary text without NUL; every rule here was tried
 * in the real shells (`shell.test.ts` runs them):
 * - tcsh reads `!` even within single quotes, and wants a backslash before a newline;
 * - fish splits and joins variables whose names end in PATH at `:`, and cannot source scripts of `sh`;
 * - an empty element in PATH-like variables means the current directory, so nothing may leave a stray `:`.
 */
import { UserError } from '@baryon/format'

export interface Shell {
  readonly name: ShellName
  /** Of the names of its scripts, without a dot. */
  readonly extension: string
  /** The text as one word of the shell's language. */
  quote(value: string): string
  /** Sets and exports. */
  set(variable: string, value: string): string
  unset(variable: string): string
  /**
   * Puts `value` and the separator before what the variable holds. When it is unset or empty: before `fallback`
   * (plain words, maybe empty) if there is one, else only `value`. The separator is one of those of change.ts.
   */
  prepend(variable: string, value: string, separator?: string, fallback?: string): string
  /** The same behind what the variable holds. */
  append(variable: string, value: string, separator?: string, fallback?: string): string
  /** Puts `[label]` before the prompt of an interactive shell. */
  prompt(label: string): string
}

export type ShellName = 'sh' | 'bash' | 'zsh' | 'fish' | 'tcsh'

export const shellNames: readonly ShellName[] = ['sh', 'bash', 'zsh', 'fish', 'tcsh']

/** The shell by its name or the path of its program (`/bin/csh` counts as tcsh, ksh and dash as sh). */
export function shellNamed(nameOrPath: string): Shell {
  const name = nameOrPath.slice(nameOrPath.lastIndexOf('/') + 1)
  const known = { csh: 'tcsh', dash: 'sh', ksh: 'sh', ash: 'sh', busybox: 'sh' }[name] ?? name
  const shell = shells.find((candidate) => candidate.name === known)
  if (shell === undefined) {
    throw new UserError('SHELL_UNKNOWN', `no activation is known for the shell '${nameOrPath}'`, {
      hint: `the shells are ${shellNames.join(', ')}`,
    })
  }
  return shell
}

/** Quotes for POSIX shells; also for zsh, where single quotes mean the same. */
export function quotePosix(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) && !value.startsWith('=') ? value : `'${value.replaceAll("'", "'\\''")}'`
}

/** What stands before the prompt. Shells replace some characters of a prompt, and evaluate others: there is none of them. */
export function promptMark(label: string): string {
  return `[${label.replace(/[^\w+@=:,./ -]/g, '_')}] `
}

function posix(name: 'sh' | 'bash' | 'zsh'): Shell {
  return {
    name,
    extension: name,
    quote: quotePosix,
    set: (variable, value) => `export ${variable}=${quotePosix(value)}\n`,
    unset: (variable) => `unset ${variable}\n`,
    prepend: (variable, value, separator = ':', fallback) =>
      fallback === undefined
        ? `export ${variable}=${quotePosix(value)}"\${${variable}:+${separator}$${variable}}"\n`
        : `export ${variable}=${quotePosix(value + separator)}"\${${variable}:-${fallback}}"\n`,
    append: (variable, value, separator = ':', fallback) =>
      fallback === undefined
        ? `export ${variable}="\${${variable}:+$${variable}${separator}}"${quotePosix(value)}\n`
        : `export ${variable}="\${${variable}:-${fallback}}"${quotePosix(separator + value)}\n`,
    prompt: (label) => `if [ -n "\${PS1-}" ]; then PS1=${quotePosix(promptMark(label))}"$PS1"; fi\n`,
  }
}

const fish: Shell = {
  name: 'fish',
  extension: 'fish',
  quote: (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  set: (variable, value) => `set -gx ${variable} ${fish.quote(value)}\n`,
  unset: (variable) => `set -e ${variable}\n`,
  prepend: (variable, value, separator = ':', fallback) =>
    fishList(variable, `${fish.quote(value + separator)}"$${variable}"`, [value, ...words(fallback)].join(separator)),
  append: (variable, value, separator = ':', fallback) =>
    fishList(variable, `"$${variable}"${fish.quote(separator + value)}`, [...words(fallback), value].join(separator)),
  prompt: (label) =>
    [
      'if functions -q fish_prompt; and not functions -q __baryon_fish_prompt',
      '  functions -c fish_prompt __baryon_fish_prompt',
      '  function fish_prompt',
      `    echo -n ${fish.quote(promptMark(label))}`,
      '    __baryon_fish_prompt',
      '  end',
      'end',
      '',
    ].join('\n'),
}

function fishList(variable: string, full: string, alone: string): string {
  return [
    `if set -q ${variable}; and test -n "$${variable}"`,
    `  set -gx ${variable} ${full}`,
    'else',
    `  set -gx ${variable} ${fish.quote(alone)}`,
    'end',
    '',
  ].join('\n')
}

const tcsh: Shell = {
  name: 'tcsh',
  extension: 'csh',
  quote: (value) => `'${value.replaceAll("'", "'\\''").replaceAll('!', '\\!').replaceAll('\n', '\\\n')}'`,
  set: (variable, value) => `setenv ${variable} ${tcsh.quote(value)};\n`,
  unset: (variable) => `unsetenv ${variable};\n`,
  prepend: (variable, value, separator = ':', fallback) =>
    tcshList(
      variable,
      `${tcsh.quote(value + separator)}\${${variable}:q}`,
      [value, ...words(fallback)].join(separator),
    ),
  append: (variable, value, separator = ':', fallback) =>
    tcshList(
      variable,
      `\${${variable}:q}${tcsh.quote(separator + value)}`,
      [...words(fallback), value].join(separator),
    ),
  prompt: (label) =>
    ['if ($?prompt) then', `  set prompt = ${tcsh.quote(promptMark(label))}"$prompt"`, 'endif', ''].join('\n'),
}

/** `$?X` guards must be blocks: on one line tcsh expands `$X` even when the condition is false. */
function tcshList(variable: string, full: string, alone: string): string {
  return [
    `if ($?${variable}) then`,
    `  if (\${%${variable}} > 0) then`,
    `    setenv ${variable} ${full};`,
    '  else',
    `    setenv ${variable} ${tcsh.quote(alone)};`,
    '  endif',
    'else',
    `  setenv ${variable} ${tcsh.quote(alone)};`,
    'endif',
    '',
  ].join('\n')
}

function words(fallback: string | undefined): readonly string[] {
  return fallback === undefined ? [] : [fallback]
}

const shells: readonly Shell[] = [posix('sh'), posix('bash'), posix('zsh'), fish, tcsh]
