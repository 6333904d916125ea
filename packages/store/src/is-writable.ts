import { accessSync, constants } from 'node:fs'
import { isSystemError } from '@baryon/format'

/** Whether names may be made in a directory, by rights and by its file system. */
export function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EROFS', 'EPERM')) return false
    throw error
  }
}
