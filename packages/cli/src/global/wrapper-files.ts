/** Wrappers in a directory of `PATH`: never is a file touched that is none of ours. */
import { createHash } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseWrapperOwner, type WrapperOwner } from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'

/** What is at the place of a wrapper: nothing, somebody's wrapper, or something that we leave alone, such as a link. */
export type Occupant = 'nothing' | 'foreign' | WrapperOwner

export function occupantOf(file: string): Occupant {
  const status = lstatSync(file, { throwIfNoEntry: false })
  if (status === undefined) return 'nothing'
  if (!status.isFile()) return 'foreign'
  return parseWrapperOwner(readStart(file)) ?? 'foreign'
}

export function isOwnedBy(occupant: Occupant, tool: string, registry: string): boolean {
  return typeof occupant === 'object' && occupant.tool === tool && occupant.registry === registry
}

/**
 * Writes the wrapper whole or not at all. `before` is what was there when it was decided; where that was nothing, something that
 * has come in between is left as it is: throws `GLOBAL_CONFLICT`. One process at a time per registry.
 */
export function writeWrapper(file: string, text: string, before: Occupant, aside: string): void {
  if (before !== 'nothing' && readFileSync(file, 'utf8') === text) return
  rmSync(aside, { force: true })
  const fd = openSync(aside, 'wx', 0o755)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  if (before === 'nothing') placeNew(aside, file)
  else renameSync(aside, file)
}

/** The one name in the directory under which a wrapper is written: what a killed process left is removed by the next. */
export function asideIn(directory: string, registry: string): string {
  const key = createHash('sha256').update(registry).digest('hex').slice(0, 16)
  return join(directory, `.baryon-global-${key}.tmp`)
}

/** Throws `BIN_DIRECTORY` when it is not there and cannot be made, or cannot be written. */
export function makeBinDirectory(directory: string): void {
  try {
    makeDirectories(directory)
    accessSync(directory, constants.W_OK | constants.X_OK)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT', 'EEXIST')) throw error
    throw new UserError('BIN_DIRECTORY', `cannot write programs into ${directory}: ${error.code}`, {
      hint: 'choose a directory of yours, with --bin-dir DIR or BARYON_BIN_DIR',
      cause: error,
    })
  }
}

function placeNew(aside: string, file: string): void {
  try {
    linkSync(aside, file)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) {
      throw new UserError('GLOBAL_CONFLICT', `${file} was made by somebody else just now`, { hint: 'try again' })
    }
    // A disk without hard links.
    if (!isSystemError(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error
    renameSync(aside, file)
  }
  rmSync(aside, { force: true })
}

/** As much as the first two lines of a wrapper may take. */
function readStart(file: string): string {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    // Not ours to read is not ours.
    if (isSystemError(error, 'EACCES', 'ENOENT')) return ''
    throw error
  }
  try {
    const bytes = Buffer.alloc(16_384)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(fd)
  }
}
