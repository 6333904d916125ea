import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSystemError } from '@baryon/format'

/**
 * Makes a directory that a user named, and those above it. Node's own `recursive` does not end where a directory takes no
 * others and says that it is not there, as `/proc` does (seen in 24 and 26).
 */
export function makeDirectories(path: string, mode = 0o777): void {
  if (existsSync(path)) return
  makeDirectories(dirname(path), mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Somebody else was quicker.
    if (!isSystemError(error, 'EEXIST')) throw error
  }
}
