import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'

/**
 * Writes a file of a cache aside and renames it, readable for nobody else. Failures (no space, no permission) are no
 * errors: it is just not kept. False then.
 */
export function keepFile(path: string, parts: Iterable<string | Uint8Array>): boolean {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    makeDirectories(path.slice(0, path.lastIndexOf('/')))
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      // One after the other: joined, large ones would be there twice.
      for (const part of parts) writeFileSync(fd, part)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    removeQuietly(temporary)
    return false
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Nothing can be there: its directory is none.
  }
}
