import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
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
  const tops = (await findOperands(context, store, context.arguments.operands)).map((operand) => {
    store.pathInfo(operand.path)
    return `${store.physicalPath(operand.path)}${operand.inside}`
  })
  const [first = '', second = ''] = tops
  const differences = compare(first, second, '')
  const words = {
    'only-first': 'only in the first',
    'only-second': 'only in the second',
    type: 'of another type',
    mode: 'executable in one only',
    target: 'links to something else',
    contents: 'other contents',
  }
  return {
    data: { equal: differences.length === 0, differences },
    text: differences
      .map(
        ({ path, kind, offset }) =>
          `${path || '.'}: ${words[kind]}${offset === undefined ? '' : ` from byte ${offset}`}`,
      )
      .join('\n'),
    status: differences.length === 0 ? 0 : 1,
  }
}

function compare(first: string, second: string, path: string): Difference[] {
  const [a, b] = [lstatSync(first), lstatSync(second)]
  if ((a.mode & 0o170000) !== (b.mode & 0o170000)) return [{ path, kind: 'type' }]
  if (a.isSymbolicLink()) return readlinkSync(first) === readlinkSync(second) ? [] : [{ path, kind: 'target' }]
  if (!a.isDirectory()) return compareFiles(first, second, path, (a.mode & 0o111) !== (b.mode & 0o111))
  const [namesOfFirst, namesOfSecond] = [new Set(readdirSync(first)), new Set(readdirSync(second))]
  return [...new Set([...namesOfFirst, ...namesOfSecond])].sort().flatMap((name): Difference[] => {
    const below = path === '' ? name : `${path}/${name}`
    if (!namesOfSecond.has(name)) return [{ path: below, kind: 'only-first' }]
    if (!namesOfFirst.has(name)) return [{ path: below, kind: 'only-second' }]
    return compare(join(first, name), join(second, name), below)
  })
}

function compareFiles(first: string, second: string, path: string, modesDiffer: boolean): Difference[] {
  const [a, b] = [readFileSync(first), readFileSync(second)]
  const mode: Difference[] = modesDiffer ? [{ path, kind: 'mode' }] : []
  if (a.equals(b)) return mode
  const shorter = Math.min(a.length, b.length)
  let offset = 0
  while (offset < shorter && a[offset] === b[offset]) offset++
  return [...mode, { path, kind: 'contents', offset }]
}
