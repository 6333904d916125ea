import { lstatSync, readdirSync } from 'node:fs'
import { type NativePath, nativePath, pathBytes } from './byte-path.ts'

/**
 * Whether a tree has so few files and bytes that a thread of its own would cost more than what is done with it. One with
 * directories that are closed even to their owner, as builders may leave them, is not known to be small.
 */
export function isSmallTree(path: NativePath): boolean {
  let files = 0
  let bytes = 0
  const visit = (place: string): boolean => {
    const stat = lstatSync(nativePath(place))
    files++
    if (!stat.isDirectory()) bytes += stat.size
    if (files > FILES || bytes > BYTES) return false
    if (!stat.isDirectory()) return true
    if ((stat.mode & 0o500) !== 0o500) return false
    const names = readdirSync(nativePath(place), { encoding: 'latin1' })
    return names.length <= FILES && names.every((name) => visit(`${place}/${name}`))
  }
  return visit(pathBytes(path))
}

/** More are synced by a program of their own, which blocks. */
const FILES = 8
const BYTES = 1 << 18
