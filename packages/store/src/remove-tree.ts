/** Removal of trees whose directories are read-only, as those of a store are. */
import { chmodSync, lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from 'node:fs'
import { isSystemError } from '@baryon/format'
import { type NativePath, nativePath, pathBytes } from './byte-path.ts'

/** Removes whatever is at the path, and gives the bytes on disk that became free. What somebody else removes meanwhile is fine. */
export function removeTree(path: NativePath): number {
  return remove(pathBytes(path))
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
