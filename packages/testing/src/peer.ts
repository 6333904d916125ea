/** Programs of others that must agree with us: found, run in a clean environment, or a reason to skip. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreLocation } from '@baryon/store'

export interface PeerOptions {
  /** The store that `nix-*` works on, without a daemon. */
  readonly store?: StoreLocation
  /** Fresh directory for HOME and configuration. */
  readonly home: string
  readonly input?: string | Uint8Array
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface PeerResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Peer {
  /** For the `skip` option of a test: false when the program is there. */
  readonly skip: string | false
  /** Runs it; texts are byte strings. */
  run(args: readonly string[], options: PeerOptions): PeerResult
  /** The same, but gives stdout without its last newline, and throws when the status is not 0. */
  output(args: readonly string[], options: PeerOptions): string
}

/** The program of that name on PATH. */
export function peer(command: string): Peer {
  const run = (args: readonly string[], options: PeerOptions): PeerResult => {
    const result = spawnSync(command, args, {
      input: options.input ?? '',
      cwd: options.cwd ?? options.home,
      env: {
        ...cleanEnvironment(options.home),
        ...(options.store === undefined ? {} : nixEnvironment(options.store)),
        ...options.environment,
      },
      maxBuffer: 1 << 28,
    })
    if (result.error !== undefined) throw result.error
    return {
      status: result.status ?? -1,
      stdout: result.stdout.toString('latin1'),
      stderr: result.stderr.toString('latin1'),
    }
  }
  return {
    skip: isOnPath(command) ? false : `${command} is not installed`,
    run,
    output: (args, options) => {
      const result = run(args, options)
      if (result.status !== 0)
        throw new Error(`${command} ${args.join(' ')} ended with ${result.status}: ${result.stderr}`)
      return result.stdout.replace(/\n$/, '')
    },
  }
}

/** True when a program of that name is on PATH. */
export function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A variable set that makes programs of Nix work on this very store, whatever its directories. */
export function nixEnvironment(store: StoreLocation): Record<string, string> {
  return {
    NIX_STORE_DIR: store.storeDirectory,
    NIX_REMOTE: `local?real=${store.physicalDirectory}&state=${store.stateDirectory}&log=${store.logDirectory}`,
  }
}

/** Only what programs need: no configuration of the user, no language but C. */
export function cleanEnvironment(home: string): Record<string, string> {
  const configuration = join(home, '.nix-configuration')
  mkdirSync(configuration, { recursive: true })
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C',
    NIX_CONF_DIR: configuration,
    NIX_CONFIG: 'build-users-group =\nsandbox = false\nsubstitute = false',
  }
}
