import { lstatSync, readdirSync } from 'node:fs'

/**
 * True when anything below the path (bytes) was changed since a time (milliseconds): the change time of a file is set by the
 * kernel at every write, and nobody can set it back. Cheap beside hashing, so that only suspects are hashed.
 */
export function changedSince(path: string, since: number): boolean {
  const native = Buffer.from(path, 'latin1')
  const stat = lstatSync(native, { throwIfNoEntry: false })
  if (stat === undefined || stat.ctimeMs >= since) return true
  if (!stat.isDirectory()) return false
  return readdirSync(native, { encoding: 'latin1' }).some((name) => changedSince(`${path}/${name}`, since))
}
