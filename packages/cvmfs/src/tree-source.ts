import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isSystemError, quoteBytes, UserError } from '@baryon/format'
import type { NewEntry } from './catalog-writer.ts'
import { type Dirtab, parseDirtab } from './dirtab.ts'
import type { XattrReader } from './disk-xattrs.ts'
import type { EntryKind } from './entry.ts'

/** A directory tree on disk that is to be published. Paths and names are byte strings. */
export interface DiskEntry {
  readonly kind: EntryKind
  /** On disk. */
  readonly file: string
  readonly stat: BigIntStats
  /** All but the objects; `linkCount` and `hardlinkGroup` are those of a file with one name. */
  readonly entry: NewEntry
}

export interface TreeOptions {
  /** Owner of everything; default: as on disk. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Reads extended attributes; default: none are published. */
  readonly readXattrs?: XattrReader | undefined
}

/** `file` is a place on disk, `path` where it goes in the repository. Throws `CVMFS_TREE` for what cannot be read. */
export function diskEntry(file: string, path: string, options: TreeOptions): DiskEntry {
  return readable(file, () => readEntry(file, path, options))
}

function readEntry(file: string, path: string, options: TreeOptions): DiskEntry {
  const native = Buffer.from(file, 'latin1')
  const stat = lstatSync(native, { bigint: true })
  const seconds = stat.mtimeNs >= 0n ? stat.mtimeNs / SECOND : (stat.mtimeNs - SECOND + 1n) / SECOND
  const nanoseconds = Number(stat.mtimeNs - seconds * SECOND)
  const kind = kindOf(stat)
  const target = kind === 'symlink' ? readlinkSync(native, 'buffer').toString('latin1') : ''
  const base = {
    path,
    kind,
    mode: Number(stat.mode),
    uid: options.owner?.uid ?? Number(stat.uid),
    gid: options.owner?.gid ?? Number(stat.gid),
    size: sizeOf(kind, stat, target),
    mtime: Number(seconds),
    mtimeNanoseconds: nanoseconds === 0 ? undefined : nanoseconds,
    linkCount: 1,
    hardlinkGroup: 0,
    hash: undefined,
    chunks: undefined,
    isCompressed: true,
    isExternal: false,
    target,
    xattrs: kind === 'symlink' ? NO_XATTRS : (options.readXattrs?.(file) ?? NO_XATTRS),
  }
  return { kind, file, stat, entry: base }
}

/** What is in a directory, sorted by name. Throws `CVMFS_RESERVED`, `CVMFS_TREE`. */
export function listDirectory(directory: DiskEntry, options: TreeOptions): DiskEntry[] {
  const list = () => readdirSync(Buffer.from(directory.file, 'latin1'), { encoding: 'buffer' })
  return readable(directory.file, list)
    .map((bytes) => bytes.toString('latin1'))
    .sort()
    .map((name) => {
      const path = `${directory.entry.path}/${name}`
      if (path === '/.cvmfs' || path === `/${MARKER}`) {
        throw new UserError('CVMFS_RESERVED', `${quoteBytes(path)} is a name that CVMFS keeps for itself`)
      }
      const entry = diskEntry(`${directory.file}/${name}`, path, options)
      // The real check takes whatever has the name for the marker of a catalog.
      if (name === MARKER && entry.kind !== 'file') {
        throw new UserError('CVMFS_RESERVED', `${quoteBytes(path)} is not a file, but marks a catalog by its name`, {
          hint: 'rename it, or leave it out',
        })
      }
      return entry
    })
}

/** Marks a directory whose contents get a catalog of their own. */
export const MARKER = '.cvmfscatalog'

export function hasMarker(directory: DiskEntry): boolean {
  const file = Buffer.from(`${directory.file}/${MARKER}`, 'latin1')
  return readable(directory.file, () => lstatSync(file, { throwIfNoEntry: false })?.isFile() === true)
}

/** In the root of a repository: says where catalogs begin. */
export const DIRTAB = '/.cvmfsdirtab'

/** That of a tree which becomes all of a repository. */
export function readDirtab(top: string): Dirtab | undefined {
  const file = `${top}${DIRTAB}`
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  return parseDirtab(readFileSync(file, 'latin1'))
}

/** Reads something of a tree that is published; `file` is a byte string. Throws `CVMFS_TREE` for what the user can mend. */
export function readable<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENAMETOOLONG')) throw error
    throw new UserError('CVMFS_TREE', `${quoteBytes(file)} cannot be read (${error.code})`, {
      hint: 'publish what is there, and what this user may read',
      cause: error,
    })
  }
}

const NO_XATTRS: ReadonlyMap<string, string> = new Map()
/** What the real tool writes, whatever the file system says. */
const DIRECTORY_SIZE = 4096
const SECOND = 1_000_000_000n

function sizeOf(kind: EntryKind, stat: BigIntStats, target: string): number {
  switch (kind) {
    case 'directory':
      return DIRECTORY_SIZE
    case 'symlink':
      return target.length
    case 'special':
      return stat.isCharacterDevice() || stat.isBlockDevice() ? Number(stat.rdev) : 0
    case 'file':
      return Number(stat.size)
  }
}

function kindOf(stat: BigIntStats): EntryKind {
  return stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : stat.isFile() ? 'file' : 'special'
}
