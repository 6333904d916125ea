/** Environments that begin with next to nothing of the caller's variables: `--pure`. */
import type { Context } from './command.ts'

/** What a session needs whatever it runs: those of `nix-shell --pure`, and where the credentials of the grid are. PATH begins with the system's own. */
export const keptVariables: readonly string[] = [
  'HOME',
  'USER',
  'LOGNAME',
  'TERM',
  'SHELL',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'KRB5CCNAME',
  'X509_USER_PROXY',
  'TMPDIR',
  'TZ',
  'http_proxy',
  'https_proxy',
  'ftp_proxy',
  'all_proxy',
  'no_proxy',
]

export function isPure({ command, arguments: given }: Pick<Context, 'command' | 'arguments'>): boolean {
  return command.options.some(({ name }) => name === 'pure') && given.flag('pure')
}

/** The variables that the environment changes. */
export function startingVariables(context: Pick<Context, 'command' | 'arguments'>): NodeJS.ProcessEnv {
  if (!isPure(context)) return process.env
  return Object.fromEntries(keptVariables.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])))
}
