import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { firstDifferingByte } from '@baryon/store'

/**
 * Says where two trees first differ in what a NAR holds, in the order of names: `bin/x: contents differ at byte 12`.
 * Undefined when they are equal. Paths are byte strings.
 */
export function firstDifference(left: string, right: string): string | undefined {
  return compare(left, right, '')
}

function compare(left: string, right: string, path: string): string | undefined {
  const shown = path === '' ? 'the output itself' : Buffer.from(path, 'latin1').toString('utf8')
  const a = lstatSync(native(left))
  const b = lstatSync(native(right))
  if (kind(a) !== kind(b)) return `${shown}: ${kind(a)} before, ${kind(b)} now`
  if (a.isSymbolicLink()) {
    const before = readlinkSync(native(left), 'buffer')
    const now = readlinkSync(native(right), 'buffer')
    return before.equals(now) ? undefined : `${shown}: link to ${before} before, to ${now} now`
  }
  if (a.isDirectory()) return compareDirectories(left, right, path)
  if (((a.mode ^ b.mode) & 0o100) !== 0)
    return `${shown}: ${(a.mode & 0o100) !== 0 ? 'executable' : 'not executable'} before only`
  const at = firstDifferingByte(native(left), native(right))
  return at === undefined ? undefined : `${shown}: contents differ at byte ${at} (${a.size} and ${b.size} bytes long)`
}

function compareDirectories(left: string, right: string, path: string): string | undefined {
  const before = readdirSync(native(left), { encoding: 'latin1' }).sort()
  const now = readdirSync(native(right), { encoding: 'latin1' }).sort()
  for (let index = 0; index < Math.max(before.length, now.length); index++) {
    const a = before[index]
    const b = now[index]
    const join = (name: string) => (path === '' ? name : `${path}/${name}`)
    if (a !== b) {
      const gone = b === undefined || (a !== undefined && a < b)
      return `${Buffer.from(join((gone ? a : b)!), 'latin1')}: only ${gone ? 'before' : 'now'}`
    }
    const difference = compare(`${left}/${a}`, `${right}/${a}`, join(a!))
    if (difference !== undefined) return difference
  }
  return undefined
}

function kind(stat: Stats): string {
  return stat.isDirectory() ? 'a directory' : stat.isSymbolicLink() ? 'a symbolic link' : 'a file'
}

function native(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}
