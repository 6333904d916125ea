import { type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
import { drawReferenceTree } from '../reference-tree.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, given.operands)
  const tops = (await findOperands(context, store, given.operands)).map((operand) => operand.path)
  const direction = given.flag('reverse') ? 'referrers' : 'references'
  const closure = store.computeClosure(tops, { direction })
  const paths = closure.map((path) => ({ path: store.format(path), narSize: store.pathInfo(path).narSize }))
  const total = paths.reduce((sum, { narSize }) => sum + narSize, 0)
  const data = { paths, narSize: total }
  if (given.flag('tree')) return { data, text: tree(store, tops, direction).join('\n') }
  if (!given.flag('size')) return { data, text: paths.map(({ path }) => path).join('\n') }
  const rows = paths.map(({ path, narSize }) => [formatBytes(narSize), path])
  return { data, text: formatTable([...rows, [formatBytes(total), `in ${formatCount(paths.length, 'path')}`]], [0]) }
}

function tree(store: Store, tops: readonly StorePath[], direction: 'references' | 'referrers'): string[] {
  const children = (path: StorePath) =>
    (direction === 'references' ? store.pathInfo(path).references : store.queryReferrers(path)).filter(
      (other) => storePathBaseName(other) !== storePathBaseName(path),
    )
  const done = new Set<string>()
  return tops.flatMap((top) => drawReferenceTree(store, top, children, done))
}
