/**
 * Where the parts of a store lie on disk.
 *
 * The *store directory* (`/cvmfs/lhcb.example.org/nix/store`) is what hashes and binaries know. The *root* is any directory:
 *
 *     ROOT/cvmfs/lhcb.example.org/nix/store        physical store
 *     ROOT/cvmfs/lhcb.example.org/nix/var/nix      state: db, gcroots, profiles, temproots (what Nix knows)
 *     ROOT/cvmfs/lhcb.example.org/nix/var/log/nix  build logs
 *     ROOT/cvmfs/lhcb.example.org/nix/var/baryon   what Nix does not know
 *
 * For the store directory `/nix/store` this is the layout of `nix-store --store ROOT`.
 */
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { homeDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'

export interface LocationOptions {
  /** The logical store directory, absolute. */
  readonly storeDirectory: string
  /** Directory that holds the stores of the user; `/` works in place. Default: `defaultRoot()`, unless `physicalDirectory` is given. */
  readonly root?: string | undefined
  /** Where the paths really are, when this is not ROOT + store directory. */
  readonly physicalDirectory?: string | undefined
  readonly stateDirectory?: string | undefined
  readonly logDirectory?: string | undefined
}

export interface StoreLocation {
  readonly storeDirectory: string
  readonly physicalDirectory: string
  readonly stateDirectory: string
  readonly logDirectory: string
  readonly ownDirectory: string
}

export function resolveLocation(options: LocationOptions): StoreLocation {
  const storeDirectory = checkStoreDirectory(options.storeDirectory)
  const physicalDirectory = options.physicalDirectory ?? joined(options.root ?? defaultRoot(), storeDirectory)
  const prefix = dirname(physicalDirectory)
  return {
    storeDirectory,
    physicalDirectory,
    stateDirectory: options.stateDirectory ?? join(prefix, 'var/nix'),
    logDirectory: options.logDirectory ?? join(prefix, 'var/log/nix'),
    ownDirectory: join(prefix, 'var/baryon'),
  }
}

/** `$BARYON_ROOT`, else `$XDG_DATA_HOME/baryon`, else `~/.local/share/baryon`. */
export function defaultRoot(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.BARYON_ROOT) return environment.BARYON_ROOT
  if (environment.XDG_DATA_HOME) return join(environment.XDG_DATA_HOME, 'baryon')
  return join(homeDirectory(environment), '.local/share/baryon')
}

function checkStoreDirectory(directory: string): string {
  if (!isAbsolute(directory) || directory === '/' || normalize(directory) !== directory || directory.endsWith('/')) {
    throw new UserError('STORE_DIRECTORY_INVALID', `'${directory}' cannot be a store directory`, {
      hint: 'give an absolute path without a slash at its end, such as /cvmfs/lhcb.example.org/nix/store',
    })
  }
  return directory
}

function joined(root: string, storeDirectory: string): string {
  if (!isAbsolute(root)) throw new UserError('STORE_ROOT_INVALID', `the root '${root}' is not an absolute path`)
  return root === '/' ? storeDirectory : join(root, storeDirectory)
}
