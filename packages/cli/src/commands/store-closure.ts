import { type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
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

/** As `nix-store -q --tree` draws it: what was drawn already is marked and not followed again. */
function tree(store: Store, tops: readonly StorePath[], direction: 'references' | 'referrers'): string[] {
  const lines: string[] = []
  const seen = new Set<string>()
  const draw = (path: StorePath, first: string, rest: string): void => {
    const name = storePathBaseName(path)
    const known = seen.has(name)
    seen.add(name)
    const next = (direction === 'references' ? store.pathInfo(path).references : store.queryReferrers(path)).filter(
      (other) => storePathBaseName(other) !== name,
    )
    lines.push(`${first}${store.format(path)}${known && next.length > 0 ? ' [...]' : ''}`)
    if (known) return
    for (const [index, other] of next.entries()) {
      const last = index === next.length - 1
      draw(other, `${rest}${last ? '└───' : '├───'}`, `${rest}${last ? '    ' : '│   '}`)
    }
  }
  for (const top of tops) draw(top, '', '')
  return lines
}
