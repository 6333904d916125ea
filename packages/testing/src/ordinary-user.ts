/** Commands as a user that is not root, whoever runs the tests. */
import { type ChildProcess, type SpawnOptions, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isOnPath } from './peer.ts'
import { type Cleanup, temporaryDirectory } from './temporary-store.ts'

export interface OrdinaryUser {
  readonly uid: number
  /** A directory of the user's own, fresh. */
  readonly home: string
  /** For the `skip` option of a test. */
  readonly skip: string | false
  readonly environment: NodeJS.ProcessEnv
  run(
    command: string,
    args: readonly string[],
    options?: { readonly input?: string; readonly environment?: NodeJS.ProcessEnv; readonly cwd?: string },
  ): SpawnSyncReturns<string>
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
}

/** Ourselves with a fresh HOME, or, when we are root, user 65534 without any privilege. */
export function ordinaryUser(test: Cleanup): OrdinaryUser {
  const base = temporaryDirectory(test)
  const isRoot = process.geteuid!() === 0
  const uid = isRoot ? NOBODY : process.geteuid!()
  const home = join(base, 'home')
  mkdirSync(home)
  chmodSync(base, 0o755)
  if (isRoot) chownSync(home, NOBODY, NOBODY)
  const prefix = isRoot
    ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs', '--']
    : []
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    TMPDIR: home,
    USER: 'nobody',
  }
  const line = (command: string, args: readonly string[]) => [...prefix, command, ...args] as [string, ...string[]]
  return {
    uid,
    home,
    environment,
    skip: isRoot && !isOnPath('setpriv') ? 'setpriv is not installed' : false,
    run: (command, args, options = {}) => {
      const [first, ...rest] = line(command, args)
      return spawnSync(first, rest, {
        encoding: 'utf8',
        cwd: options.cwd ?? home,
        env: { ...environment, ...options.environment },
        input: options.input ?? '',
        maxBuffer: 1 << 28,
      })
    },
    spawn: (command, args, options = {}) => {
      const [first, ...rest] = line(command, args)
      return spawn(first, rest, { cwd: home, ...options, env: { ...environment, ...options.env } })
    },
  }
}

const NOBODY = 65534
