import { readdirSync, rmSync, statSync } from 'node:fs'

const KEPT_MILLISECONDS = 30 * 24 * 3600 * 1000

/**
 * Removes the files of a cache directory that were last written a month ago, then the oldest beyond so many bytes. What
 * cannot be removed stays.
 */
export function removeOld(directory: string, maxBytes = Number.POSITIVE_INFINITY): void {
  try {
    const files: { readonly path: string; readonly size: number; readonly mtimeMs: number }[] = []
    for (const name of readdirSync(directory)) {
      const path = `${directory}/${name}`
      // Others remove files at the same time.
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat !== undefined) files.push({ path, size: stat.size, mtimeMs: stat.mtimeMs })
    }
    files.sort((a, b) => b.mtimeMs - a.mtimeMs)
    const limit = Date.now() - KEPT_MILLISECONDS
    let bytes = 0
    for (const { path, size, mtimeMs } of files) {
      bytes += size
      if (mtimeMs < limit || bytes > maxBytes) rmSync(path, { force: true })
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}
