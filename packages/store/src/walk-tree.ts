/**
 * Reads a tree from disk in the order of a NAR: entries of a directory sorted by bytes, contents of files in chunks.
 * Memory stays at one chunk buffer, whatever the size of the files. Symbolic links are never followed.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs'
import { isSystemError, type NarVisitor, UserError } from '@baryon/format'
import { type NativePath, nativePath, pathBytes, pathError } from './byte-path.ts'

export type FileType = 'regular' | 'directory' | 'symlink' | 'unknown'

/** Says whether an entry (absolute path as a byte string) belongs to the tree. Not asked about the top. */
export type TreeFilter = (path: string, type: FileType) => boolean

export interface WalkOptions {
  readonly filter?: TreeFilter | undefined
  /**
   * Goes into each directory, so that the system need not find every file by its whole path: a tenth of the time for small
   * files. Only for a program that does nothing else meanwhile, because the working directory is that of the process, and
   * only with an absolute path.
   */
  readonly enters?: boolean
}

/** Drives the visitor with the tree at `path`; throws `FILE_TYPE_UNSUPPORTED`, `FILE_CHANGED` or `FILE_UNREADABLE`. */
export function walkTree(path: NativePath, visitor: NarVisitor, { filter, enters = false }: WalkOptions = {}): void {
  const before = enters ? workingDirectory() : undefined
  try {
    walkFromTop(pathBytes(path), { visitor, filter, enters: before !== undefined })
  } finally {
    if (before !== undefined) process.chdir(before)
  }
}

function walkFromTop(top: string, walk: Walk): void {
  let stat: Stats
  try {
    stat = lstatSync(nativePath(top))
  } catch (error) {
    throw pathError('FILE_UNREADABLE', 'read', top, error)
  }
  walkObject(walk, top, top, fileTypeOf(stat))
}

/** Type of a file by its status. */
export function fileTypeOf(
  stat: Stats | { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean },
): FileType {
  return stat.isFile() ? 'regular' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'unknown'
}

interface Walk {
  readonly visitor: NarVisitor
  readonly filter: TreeFilter | undefined
  readonly enters: boolean
}

/** `name` is how the object can be reached now: its path, or its name in the directory that we are in. */
function walkObject(walk: Walk, path: string, name: string, type: FileType): void {
  switch (type) {
    case 'regular':
      walkFile(walk, path, name)
      break
    case 'directory':
      walkDirectory(walk, path)
      break
    case 'symlink':
      walk.visitor.symlink(readLink(path, name))
      break
    case 'unknown':
      throw new UserError(
        'FILE_TYPE_UNSUPPORTED',
        `'${Buffer.from(path, 'latin1')}' is neither a file, a directory nor a symbolic link`,
        {
          hint: 'sockets, pipes and devices cannot be in a store: remove it or filter it out',
        },
      )
  }
}

function walkDirectory(walk: Walk, path: string): void {
  let entries: { name: string; type: FileType }[]
  try {
    entries = readdirSync(nativePath(path), { withFileTypes: true, encoding: 'latin1' }).map((entry) => ({
      name: entry.name,
      type: fileTypeOf(entry),
    }))
  } catch (error) {
    throw pathError('FILE_UNREADABLE', 'read the directory', path, error)
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  walk.visitor.startDirectory()
  let isInside = walk.enters && enter(path)
  for (const { name, type } of entries) {
    const absolute = `${path}/${name}`
    if (walk.filter !== undefined && !walk.filter(absolute, type)) continue
    walk.visitor.entry(name)
    walkObject(walk, absolute, isInside ? name : absolute, type)
    if (isInside && type === 'directory') isInside = enter(path)
  }
  walk.visitor.endDirectory()
}

/** Undefined where there is no way back to it: it has been removed, is closed to us, or its name is no text. */
function workingDirectory(): string | undefined {
  try {
    const path = process.cwd()
    if (path.includes('\ufffd')) return undefined
    process.chdir(path)
    return path
  } catch {
    return undefined
  }
}

/** False for a directory that can be read but not entered; what reading its files then says is right. */
function enter(path: string): boolean {
  try {
    const native = nativePath(path)
    // The only form of this call takes text.
    if (typeof native !== 'string') return false
    process.chdir(native)
    return true
  } catch {
    return false
  }
}

// One buffer serves all walks of the process: a walk is synchronous, and 256 KiB is where reading stops getting faster.
// A visitor that starts another walk from `chunk` would overwrite its own bytes; none has a reason to.
const buffer = Buffer.allocUnsafeSlow(256 * 1024)

function walkFile(walk: Walk, absolute: string, name: string): void {
  let fd: number
  try {
    fd = openSync(nativePath(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    throw pathError('FILE_UNREADABLE', 'read', absolute, error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw changed(absolute)
    walk.visitor.startFile(stat.size, (stat.mode & 0o100) !== 0)
    for (let left = stat.size; left > 0; ) {
      const count = readSync(fd, buffer, 0, Math.min(left, buffer.length), null)
      if (count === 0) throw changed(absolute)
      walk.visitor.content(count === buffer.length ? buffer : buffer.subarray(0, count))
      left -= count
    }
    walk.visitor.endFile()
  } catch (error) {
    throw isSystemError(error, 'EIO', 'EISDIR', 'ESTALE')
      ? pathError('FILE_UNREADABLE', 'read', absolute, error)
      : error
  } finally {
    closeSync(fd)
  }
}

function readLink(absolute: string, name: string): string {
  try {
    return readlinkSync(nativePath(name), { encoding: 'latin1' })
  } catch (error) {
    throw pathError('FILE_UNREADABLE', 'read the link', absolute, error)
  }
}

function changed(absolute: string): UserError {
  return new UserError('FILE_CHANGED', `'${Buffer.from(absolute, 'latin1')}' changed while it was read`, {
    hint: 'wait until nothing writes to it',
  })
}
