/** Removal of trees whose directories are read-only, as those of a store are. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, rmSync, type Stats, unlinkSync } from 'node:fs'
import { isSystemError } from '@baryon/format'
import { type NativePath, nativePath, pathBytes } from './byte-path.ts'

/** Removes whatever is at the path. What somebody else removes meanwhile is fine. */
export function removeTree(path: NativePath): void {
  // Node's own removal, in C++ and with names relative to open directories, takes half as long as a walk from here, but
  // gives up at a directory that may not be written. To root none is closed; for others all are opened first.
  if (process.geteuid?.() !== 0) openDirectories(pathBytes(path))
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    removeCounting(path)
  }
}

/** As `removeTree`, and gives the bytes on disk that became free: what has other hard links is not counted. */
export function removeCounting(path: NativePath): number {
  return remove(pathBytes(path))
}

function openDirectories(path: string): void {
  const native = nativePath(path)
  try {
    const stat = lstatSync(native)
    if (!stat.isDirectory()) return
    if ((stat.mode & 0o700) !== 0o700) chmodSync(native, 0o700)
    for (const entry of readdirSync(native, { encoding: 'latin1', withFileTypes: true })) {
      if (entry.isDirectory()) openDirectories(`${path}/${entry.name}`)
    }
  } catch {
    // The removal itself says what is wrong.
  }
}

function remove(path: string): number {
  const native = nativePath(path)
  let stat: Stats
  try {
    stat = lstatSync(native)
    if (!stat.isDirectory()) {
      unlinkSync(native)
      return stat.nlink === 1 ? stat.blocks * 512 : 0
    }
    if ((stat.mode & 0o700) !== 0o700) chmodSync(native, 0o700)
    let freed = stat.blocks * 512
    for (const name of readdirSync(native, { encoding: 'latin1' })) freed += remove(`${path}/${name}`)
    rmdirSync(native)
    return freed
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 0
    throw error
  }
}
