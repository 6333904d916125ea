import { allRoots } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatCount, formatTable } from '../format-quantity.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const store = await openStoreFor(context, [])
  const { roots, hiddenProcesses } = allRoots(store)
  const records = roots.map(({ source, path, kind, via }) => ({
    link: source,
    path: store.format(path),
    kind,
    ...(via === undefined ? {} : { via }),
  }))
  store.close()
  if (hiddenProcesses > 0) {
    const count = formatCount(hiddenProcesses, 'process', 'processes')
    context.terminal.err(`note: ${count} of other users cannot be looked into; what they use is not listed\n`)
  }
  return {
    data: { roots: records, hiddenProcesses },
    text: formatTable(records.map(({ link, path, kind }) => [kind, link, path])),
  }
}
