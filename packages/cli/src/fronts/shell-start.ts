/** What bash reads first in a `nix-shell`. */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { quotePosix } from '@baryon/environment'
import type { Derivation } from '@baryon/format'
import type { Store } from '@baryon/store'

export interface ShellStart {
  /** Of this shell alone; it removes it at its end. */
  readonly directory: string
  readonly store: Store
  readonly derivation: Derivation
  readonly shell: string
  readonly isPure: boolean
  readonly cores: string | undefined
  readonly timeZone: string | undefined
  /** Runs instead of a prompt, or before it when it does not end the shell. */
  readonly command: string | undefined
}

/** Writes the file and gives its path. */
export function writeShellStart(start: ShellStart): string {
  const { directory, derivation, isPure, shell, command, timeZone } = start
  const path = derivation.env.get('PATH')
  const file = join(directory, 'rc')
  const remove = `command -p rm -rf ${quoted(directory)}`
  const lines = [
    `_nix_shell_remove_directory() { ${remove}; }`,
    'trap _nix_shell_remove_directory EXIT',
    // The setup script of the standard environment has exit hooks of its own.
    'exitHooks+=(_nix_shell_remove_directory)',
    'failureHooks+=(_nix_shell_remove_directory)',
    ...(isPure
      ? []
      : [
          'if [ -n "$PS1" ] && [ -e ~/.bashrc ]; then source ~/.bashrc; fi',
          `_nix_shell_path=${path === undefined ? '$PATH' : quotePosix(path)}`,
        ]),
    'unset PATH',
    ...variables(start),
    'dontAddDisableDepTrack=1',
    'if [ -e "$stdenv/setup" ]; then source "$stdenv/setup"; fi',
    ...(isPure ? [] : ['PATH=$PATH:$_nix_shell_path', 'unset _nix_shell_path']),
    `PATH=${quoted(dirname(shell))}:"$PATH"`,
    `SHELL=${quoted(shell)}`,
    `BASH=${quoted(shell)}`,
    'export PATH SHELL',
    'set +e',
    'if [ -n "$PS1" ] && [ -z "$NIX_SHELL_PRESERVE_PROMPT" ]; then',
    "  PS1='\\n\\[\\033[1;32m\\][nix-shell:\\w]\\$\\[\\033[0m\\] '",
    'fi',
    'if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi',
    'unset NIX_ENFORCE_PURITY',
    'shopt -u nullglob',
    'unset TZ',
    ...(timeZone === undefined ? [] : [`export TZ=${quoted(timeZone)}`]),
    'shopt -s execfail',
    ...(command === undefined ? [] : [Buffer.from(command).toString('latin1'), 'exit']),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`, { encoding: 'latin1', mode: 0o600 })
  return file
}

function variables({ directory, store, derivation, cores }: ShellStart): string[] {
  const values = new Map<string, string>()
  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP']) values.set(name, directory)
  values.set('NIX_STORE', store.storeDirectory)
  values.set('NIX_BUILD_CORES', cores === undefined || cores === '0' ? String(availableParallelism()) : cores)
  const asFiles = new Set((derivation.env.get('passAsFile') ?? '').split(/\s+/))
  let files = 0
  for (const [name, value] of derivation.env) {
    if (!asFiles.has(name)) values.set(name, value)
    else {
      const file = join(directory, `.attr-${files++}`)
      writeFileSync(file, value, 'latin1')
      values.set(`${name}Path`, file)
    }
  }
  // A shell has no variables with other names.
  return [...values]
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== 'PATH')
    .map(([name, value]) => `export ${name}=${quotePosix(value)}`)
}

function quoted(text: string): string {
  return Buffer.from(quotePosix(text)).toString('latin1')
}
