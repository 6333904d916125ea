import { accessSync, constants } from 'node:fs'

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

/** Where programs of the host are looked for; administrators' tools are not in everybody's PATH. */
export const HOST_PATH = [
  ...new Set([
    ...(process.env.PATH ?? '').split(':').filter((part) => part.startsWith('/')),
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
  ]),
].join(':')
