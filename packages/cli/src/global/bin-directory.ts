/** The directory with the wrappers, and what a shell must know of it. */
import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findProgram, type Shell, shellNamed } from '@baryon/environment'
import { UserError } from '@baryon/format'

/** `--bin-dir`, else `BARYON_BIN_DIR`, else `~/.local/bin`; absolute. Throws `NO_BIN_DIRECTORY`. */
export function binDirectoryOf(given: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  const said = given || environment.BARYON_BIN_DIR
  if (said) return resolve(said)
  if (environment.HOME) return join(environment.HOME, '.local/bin')
  throw new UserError('NO_BIN_DIRECTORY', 'HOME is not set, so there is no place for the programs', {
    hint: 'give --bin-dir DIR, or set BARYON_BIN_DIR',
  })
}

/** What to do so that the programs are found: a line for the user's shell, or which program comes before. Undefined: nothing. */
export function findingAdvice(
  directory: string,
  programs: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const isHere = (path: string): boolean => path.startsWith('/') && realPath(path) === realPath(directory)
  if ((environment.PATH ?? '').split(':').some(isHere)) {
    const before = programs.flatMap((name) => {
      const found = findProgram(name, environment)
      return found === undefined || realPath(found) === realPath(join(directory, name)) ? [] : [found]
    })
    return before.length === 0
      ? undefined
      : `${before.join(' and ')} ${before.length > 1 ? 'come' : 'comes'} before ${directory} in PATH`
  }
  const { file, line } = pathLine(directory, environment.SHELL || 'sh')
  return `${directory} is not in PATH; add this line to ${file}:\n  ${line}`
}

function pathLine(directory: string, shell: string): { readonly file: string; readonly line: string } {
  const name = shell.slice(shell.lastIndexOf('/') + 1)
  const posix = (file: string, { quote }: Shell) => ({ file, line: `export PATH=${quote(directory)}:"$PATH"` })
  switch (name) {
    case 'bash':
      return posix('~/.bashrc', shellNamed('bash'))
    case 'zsh':
      return posix('~/.zshrc', shellNamed('zsh'))
    case 'fish':
      return { file: '~/.config/fish/config.fish', line: `fish_add_path ${shellNamed('fish').quote(directory)}` }
    case 'csh':
    case 'tcsh':
      return { file: `~/.${name}rc`, line: `setenv PATH ${shellNamed('tcsh').quote(directory)}:"$PATH"` }
    default:
      return posix('~/.profile', shellNamed('sh'))
  }
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path)
}
