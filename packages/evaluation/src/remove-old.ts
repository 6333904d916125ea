import { readdirSync, rmSync, statSync } from 'node:fs'

const KEPT_MILLISECONDS = 30 * 24 * 3600 * 1000

/** Removes the files of a cache directory that were last written a month ago. */
export function removeOld(directory: string): void {
  const limit = Date.now() - KEPT_MILLISECONDS
  for (const name of readdirSync(directory)) {
    const file = `${directory}/${name}`
    if (statSync(file).mtimeMs < limit) rmSync(file, { force: true })
  }
}
