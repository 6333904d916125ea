import { lstatSync, type Stats, statSync } from 'node:fs'
import type { FileType } from '@baryon/language'

/** What changes whenever a file's contents do: size, times, inode, mode. */
export function fingerprintOf(stat: Stats): string {
  return `${stat.size}.${stat.mtimeMs}.${stat.ctimeMs}.${stat.ino}.${stat.mode}`
}

/** The fingerprint of the file behind any symbolic links, or undefined. */
export function fileFingerprint(path: string | Buffer): string | undefined {
  const stat = quietStat(path)
  return stat === undefined ? undefined : fingerprintOf(stat)
}

/**
 * True when the file changed so lately that a further change could leave the same times: the clock of the kernel moves
 * in steps of up to 10 ms.
 */
export function isJustChanged(stat: Stats): boolean {
  return Date.now() - stat.ctimeMs < 25
}

export function quietStat(path: string | Buffer): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** The type of the file itself; undefined when nothing is there (or cannot be: a component is no directory). */
export function typeOfFile(path: string | Buffer): FileType | undefined {
  let stat: Stats | undefined
  try {
    stat = lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined
    throw error
  }
  if (stat === undefined) return undefined
  return stat.isFile() ? 'regular' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'unknown'
}
