/**
 * Who may write to a store. Whatever a build uses comes from a store of its user's own, so nobody else may be able to write
 * there: see `docs/decisions/0005-several-users.md`.
 */
import { existsSync, lstatSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSystemError, UserError } from '@baryon/format'
import type { StoreLocation } from './location.ts'

/** Throws `STORE_UNSAFE` when somebody else than root owns, or may write to, a directory on which the store's integrity rests. */
export function requireOwnStore(location: StoreLocation): void {
  const own = process.geteuid!()
  const { physicalDirectory, stateDirectory, ownDirectory } = location
  const directories = [
    ...aboveStore(location),
    physicalDirectory,
    `${physicalDirectory}/.links`,
    stateDirectory,
    `${stateDirectory}/db`,
  ]
  for (const directory of [...directories, ownDirectory, `${ownDirectory}/locks`]) {
    const stat = lstatSync(directory, { throwIfNoEntry: false })
    if (stat === undefined) continue
    // What root opens may be anybody's: it looks after it for them.
    const isForeign = own !== 0 && stat.uid !== own && stat.uid !== 0
    // Nix's own stores let build users add to the store directory, where the sticky bit keeps them from all that is there.
    const isSticky = directory === physicalDirectory && (stat.mode & 0o1000) !== 0
    if (!isForeign && ((stat.mode & 0o022) === 0 || isSticky)) continue
    throw new UserError(
      'STORE_UNSAFE',
      isForeign
        ? `'${directory}' belongs to user ${stat.uid}, who could change what your builds use`
        : `others may write to '${directory}', and could change what your builds use`,
      {
        hint: isForeign
          ? 'use a root of your own, and name this one with --neighbour'
          : `if nobody has: chmod go-w ${directory}; to share a store, name it with --neighbour`,
      },
    )
  }
}

/** The directories between the root and the store: whoever writes to one of them can put another store in the place of ours. */
function aboveStore({ storeDirectory, physicalDirectory }: StoreLocation): string[] {
  if (physicalDirectory === storeDirectory || !physicalDirectory.endsWith(storeDirectory)) return []
  const root = physicalDirectory.slice(0, -storeDirectory.length)
  const directories: string[] = []
  for (let path = dirname(physicalDirectory); path.length > root.length; path = dirname(path)) directories.push(path)
  return directories
}

/**
 * True when nobody but these users (and root) can change what is at the path, now or later: each directory from `/` on, and
 * the file itself, is theirs and closed to others. In a directory with the sticky bit (`/tmp`) others cannot touch what is not theirs.
 */
export function isOnlyWritableBy(path: string, owners: readonly number[]): boolean {
  const trusted = new Set([0, ...owners])
  for (let current = path; ; current = dirname(current)) {
    const stat = lstatSync(current)
    const isSticky = stat.isDirectory() && (stat.mode & 0o1000) !== 0 && current !== path
    if (stat.isSymbolicLink() || !trusted.has(stat.uid)) return false
    if ((stat.mode & 0o022) !== 0 && !isSticky) return false
    if (current === dirname(current)) return true
  }
}

/** The same of the database of a store, whose word then counts as that of its owner. The state directory must be a real path. */
export function isDatabaseOf(stateDirectory: string, owners: readonly number[]): boolean {
  if (owners.length === 0) return false
  try {
    if (realpathSync(stateDirectory) !== stateDirectory) return false
    const files = ['db.sqlite', 'db.sqlite-wal', 'db.sqlite-shm'].map((name) => join(stateDirectory, 'db', name))
    return files.every((file, index) => (index > 0 && !existsSync(file)) || isOnlyWritableBy(file, owners))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return false
    throw error
  }
}
