import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { firstDifferingByte, nativePath } from '@baryon/store'

export interface TreeDifference {
  /** Below the top, which is the empty text. */
  readonly path: string
  readonly kind: 'only-first' | 'only-second' | 'type' | 'mode' | 'target' | 'contents'
  /** For `contents`: the first byte that differs. */
  readonly offset?: number
}

/** In what two trees differ of what a NAR holds. Paths are byte strings, but for those in the result. */
export function compareTrees(first: string, second: string, path = ''): TreeDifference[] {
  const [a, b] = [lstatSync(nativePath(first)), lstatSync(nativePath(second))]
  if ((a.mode & 0o170000) !== (b.mode & 0o170000)) return [{ path: shown(path), kind: 'type' }]
  if (a.isSymbolicLink()) {
    const [one, other] = [first, second].map((link) => readlinkSync(nativePath(link), 'latin1'))
    return one === other ? [] : [{ path: shown(path), kind: 'target' }]
  }
  if (!a.isDirectory()) {
    const mode: TreeDifference[] = ((a.mode ^ b.mode) & 0o100) === 0 ? [] : [{ path: shown(path), kind: 'mode' }]
    // Hard links to one file, in a store that was optimised.
    const offset =
      a.ino === b.ino && a.dev === b.dev ? undefined : firstDifferingByte(nativePath(first), nativePath(second))
    return offset === undefined ? mode : [...mode, { path: shown(path), kind: 'contents', offset }]
  }
  const [ofFirst, ofSecond] = [first, second].map(
    (directory) => new Set(readdirSync(nativePath(directory), 'latin1')),
  ) as [Set<string>, Set<string>]
  return [...ofFirst.union(ofSecond)].sort().flatMap((name): TreeDifference[] => {
    const below = path === '' ? name : `${path}/${name}`
    if (!ofSecond.has(name)) return [{ path: shown(below), kind: 'only-first' }]
    if (!ofFirst.has(name)) return [{ path: shown(below), kind: 'only-second' }]
    return compareTrees(`${first}/${name}`, `${second}/${name}`, below)
  })
}

function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString()
}

/** `lib/a.so: other contents from byte 12`. */
export function treeDifferenceText({ path, kind, offset }: TreeDifference): string {
  return `${path || '.'}: ${words[kind]}${offset === undefined ? '' : ` from byte ${offset}`}`
}

const words = {
  'only-first': 'only in the first',
  'only-second': 'only in the second',
  type: 'of another type',
  mode: 'executable in one only',
  target: 'links to something else',
  contents: 'other contents',
}
