import { accessSync, constants } from 'node:fs'
import { HOST_PATH } from './launch.ts'

/** Absolute path of a program of the host, or undefined. */
export function hostProgram(name: string): string | undefined {
  for (const directory of HOST_PATH.split(':')) {
    const path = `${directory}/${name}`
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here: the next directory.
    }
  }
  return undefined
}
