import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The real Nix with a store of its own in a temporary directory, to compare with. */
export interface NixPeer {
  readonly directory: string
  readonly storeDirectory: string
  /** Standard output as bytes; throws when the program fails. */
  run(program: string, args: readonly string[], options?: RunOptions): Buffer
  /** True when the program succeeds. */
  succeeds(program: string, args: readonly string[], options?: RunOptions): boolean
  remove(): void
}

export interface RunOptions {
  readonly input?: Uint8Array
  /** Another store directory, for what writes nothing. */
  readonly storeDirectory?: string
}

/** Why the peer cannot be asked, or false: for the `skip` of a test. */
export const nixIsMissing: string | false =
  spawnSync('nix-store', ['--version']).error === undefined ? false : 'nix-bin is not installed'

/** Flags that give the `nix` command its subcommands. */
export const NIX_COMMAND = ['--extra-experimental-features', 'nix-command']

export function openNixPeer(): NixPeer {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-format-')))
  const storeDirectory = join(directory, 'cvmfs/lhcb.example.org/nix/store')
  mkdirSync(storeDirectory, { recursive: true })
  mkdirSync(join(directory, 'conf'))
  mkdirSync(join(directory, 'home'))
  writeFileSync(join(directory, 'conf/nix.conf'), 'build-users-group =\nsandbox = false\nsubstituters =\n')
  const call = (program: string, args: readonly string[], options: RunOptions = {}) =>
    spawnSync(program, args, {
      cwd: directory,
      input: options.input ?? Buffer.alloc(0),
      maxBuffer: 1 << 28,
      env: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: join(directory, 'home'),
        TMPDIR: directory,
        NIX_REMOTE: '',
        NIX_PATH: '',
        NIX_STORE_DIR: options.storeDirectory ?? storeDirectory,
        NIX_STATE_DIR: join(directory, 'state'),
        NIX_LOG_DIR: join(directory, 'log'),
        NIX_CONF_DIR: join(directory, 'conf'),
        NIX_LOCALSTATE_DIR: join(directory, 'local'),
      },
    })
  return {
    directory,
    storeDirectory,
    run: (program, args, options) => {
      const result = call(program, args, options)
      if (result.status === 0) return result.stdout
      throw new Error(`${program} ${args.join(' ')}: ${result.error?.message ?? result.stderr.toString()}`)
    },
    succeeds: (program, args, options) => call(program, args, options).status === 0,
    remove: () => {
      // Store paths are read-only directories, which only root may empty as they are.
      spawnSync('chmod', ['-R', 'u+w', directory])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
