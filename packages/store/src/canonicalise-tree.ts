/**
 * Gives a tree the metadata that everything in a store has: files 0444 or 0555, directories 0555, time stamp 1, our owner.
 *
 * Whatever a NAR does not hold must not differ either, or a restored path would not equal the built one. Times of symbolic
 * links are set as well (Nix uses lutimes). Extended attributes and ACLs are left alone: they are not part of a NAR, and
 * Node cannot reach them.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
} from 'node:fs'
import { UserError } from '@baryon/format'
import { type NativePath, nativePath, pathBytes } from './byte-path.ts'
import { fileTypeOf } from './walk-tree.ts'

export interface CanonicaliseOptions {
  /** User ids that may own the files; by default only our own. Files of the others are taken over, which needs root. */
  readonly owners?: readonly number[]
  /** Whoever made the tree took its hard links from the store itself: files that are canonical already stay linked. */
  readonly linkedFromStore?: boolean
}

/**
 * Throws `OUTPUT_FILE_TYPE` for sockets, pipes and devices and `OUTPUT_OWNERSHIP` for files of somebody else.
 * A file that is hard-linked from outside the tree is replaced by a copy before it is touched: changing it would change the
 * other one, and a later write through the other name would change the store.
 */
export function canonicaliseTree(path: NativePath, options: CanonicaliseOptions = {}): void {
  const own = process.geteuid!()
  const walk: Walk = { own, owners: new Set(options.owners ?? [own]), directories: [], links: new Map() }
  visit(walk, pathBytes(path))
  for (const { stat, paths } of walk.links.values()) {
    if (options.linkedFromStore === true && isCanonicalFile(walk, stat)) continue
    if (stat.nlink > paths.length) for (const linked of paths) breakHardLink(linked)
    for (const linked of paths) setMetadata(walk, linked, lstatSync(nativePath(linked)))
  }
  // Last, and inner ones first: replacing a hard link needs a writable directory and changes its time.
  for (const directory of walk.directories) setMetadata(walk, directory, lstatSync(nativePath(directory)))
}

interface Walk {
  readonly own: number
  readonly owners: ReadonlySet<number>
  readonly directories: string[]
  readonly links: Map<string, { readonly stat: Stats; readonly paths: string[] }>
}

function visit(walk: Walk, path: string): void {
  const stat = lstatSync(nativePath(path))
  const type = fileTypeOf(stat)
  if (type === 'unknown') {
    throw new UserError('OUTPUT_FILE_TYPE', `'${Buffer.from(path, 'latin1')}' is a socket, a pipe or a device`, {
      hint: 'an output may hold files, directories and symbolic links: let the build remove it',
    })
  }
  if (!walk.owners.has(stat.uid)) {
    throw new UserError(
      'OUTPUT_OWNERSHIP',
      `'${Buffer.from(path, 'latin1')}' belongs to user ${stat.uid}, not to who built it`,
      {
        hint: 'an output must not contain hard links to, or files of, other users',
      },
    )
  }
  if (type === 'directory') {
    if ((stat.mode & 0o7700) !== 0o700) chmodSync(nativePath(path), 0o755)
    for (const name of readdirSync(nativePath(path), { encoding: 'latin1' })) visit(walk, `${path}/${name}`)
    walk.directories.push(path)
  } else if (type === 'regular' && stat.nlink > 1) {
    const key = `${stat.dev}:${stat.ino}`
    const seen = walk.links.get(key)
    if (seen === undefined) walk.links.set(key, { stat, paths: [path] })
    else seen.paths.push(path)
  } else {
    setMetadata(walk, path, stat)
  }
}

function isCanonicalFile(walk: Walk, { uid, mode, mtimeMs }: Stats): boolean {
  const permissions = mode & 0o7777
  return uid === walk.own && (permissions === 0o444 || permissions === 0o555) && mtimeMs === 1000
}

function setMetadata(walk: Walk, path: string, stat: Stats): void {
  const native = nativePath(path)
  // Before chmod: a change of owner drops bits of the mode.
  if (stat.uid !== walk.own) lchownSync(native, walk.own, process.getegid!())
  if (!stat.isSymbolicLink()) {
    const mode = stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o555 : 0o444
    if ((stat.mode & 0o7777) !== mode) chmodSync(native, mode)
  }
  if (stat.mtimeMs !== 1000) lutimesSync(native, stat.atime, 1)
}

function breakHardLink(path: string): void {
  const copy = `${path}.baryon-copy`
  // Made by us with O_EXCL, so that a link planted under this name is not followed.
  closeSync(
    openSync(nativePath(copy), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600),
  )
  copyFileSync(nativePath(path), nativePath(copy))
  chmodSync(nativePath(copy), lstatSync(nativePath(path)).mode & 0o777)
  renameSync(nativePath(copy), nativePath(path))
}
