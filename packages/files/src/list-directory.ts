import { readdirSync } from 'node:fs'
import { isSystemError } from '@baryon/format'

/** The names in a directory, sorted; none where no directory is. */
export function listDirectory(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
