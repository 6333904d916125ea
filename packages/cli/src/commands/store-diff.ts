import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { firstDifferingByte, nativePath, pathBytes } from '@baryon/store'
import { compareClosures } from '../closure-difference.ts'
import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

interface Difference {
  readonly path: string
  readonly kind: 'only-first' | 'only-second' | 'type' | 'mode' | 'target' | 'contents'
  /** For `contents`: the first byte that differs. */
  readonly offset?: number
}

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, context.arguments.operands)
  try {
    const [first, second] = await findOperands(context, store, context.arguments.operands)
    if (first === undefined || second === undefined) throw new Error('the operands were checked')
    for (const { path } of [first, second]) store.pathInfo(path)
    if (context.arguments.flag('closure')) return compareClosures(store, first.path, second.path)
    const [a, b] = [first, second].map(({ path, inside }) => pathBytes(`${store.physicalPath(path)}${inside}`))
    return describe(compare(a!, b!, ''))
  } finally {
    store.close()
  }
}

const words = {
  'only-first': 'only in the first',
  'only-second': 'only in the second',
  type: 'of another type',
  mode: 'executable in one only',
  target: 'links to something else',
  contents: 'other contents',
}

function describe(differences: readonly Difference[]): Outcome {
  const lines = differences.map(
    ({ path, kind, offset }) => `${path || '.'}: ${words[kind]}${offset === undefined ? '' : ` from byte ${offset}`}`,
  )
  return {
    data: { equal: differences.length === 0, differences },
    text: lines.join('\n'),
    status: differences.length === 0 ? 0 : 1,
  }
}

/** Paths are byte strings, but for those in the result. */
function compare(first: string, second: string, path: string): Difference[] {
  const [a, b] = [lstatSync(nativePath(first)), lstatSync(nativePath(second))]
  if ((a.mode & 0o170000) !== (b.mode & 0o170000)) return [{ path: shown(path), kind: 'type' }]
  if (a.isSymbolicLink()) {
    const [one, other] = [first, second].map((link) => readlinkSync(nativePath(link), 'latin1'))
    return one === other ? [] : [{ path: shown(path), kind: 'target' }]
  }
  if (!a.isDirectory()) {
    const mode: Difference[] = ((a.mode ^ b.mode) & 0o100) === 0 ? [] : [{ path: shown(path), kind: 'mode' }]
    // Hard links to one file, in a store that was optimised.
    const offset =
      a.ino === b.ino && a.dev === b.dev ? undefined : firstDifferingByte(nativePath(first), nativePath(second))
    return offset === undefined ? mode : [...mode, { path: shown(path), kind: 'contents', offset }]
  }
  const [ofFirst, ofSecond] = [first, second].map(
    (directory) => new Set(readdirSync(nativePath(directory), 'latin1')),
  ) as [Set<string>, Set<string>]
  return [...ofFirst.union(ofSecond)].sort().flatMap((name): Difference[] => {
    const below = path === '' ? name : `${path}/${name}`
    if (!ofSecond.has(name)) return [{ path: shown(below), kind: 'only-first' }]
    if (!ofFirst.has(name)) return [{ path: shown(below), kind: 'only-second' }]
    return compare(`${first}/${name}`, `${second}/${name}`, below)
  })
}

function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString()
}
