import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSystemError } from '@baryon/format'

/**
 * Makes a directory and those above it; one that is there stays as it is. Node's own `recursive` does not end where a
 * directory takes no others and says that it is not there, as `/proc` does (seen in 24 and 26).
 */
export function makeDirectories(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && isDirectory(path)) return
    const parent = dirname(path)
    if (!isSystemError(error, 'ENOENT') || parent === path) throw error
    makeDirectories(parent, mode)
    makeOne(path, mode)
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Somebody else was quicker.
    if (!isSystemError(error, 'EEXIST') || !isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
