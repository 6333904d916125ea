import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, [])
  const roots = store.findRoots().map((root) => ({ link: root.source, path: store.format(root.path), kind: root.kind }))
  return { data: { roots }, text: formatTable(roots.map(({ link, path }) => [link, path])) }
}
