import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount } from '../format-quantity.ts'
import { createCounter } from '../progress/counter.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const dryRun = given.flag('dry-run')
  const store = await openStoreFor(context, given.operands)
  const counter = createCounter(context.terminal, 'optimising')
  try {
    const operands = await findOperands(context, store, given.operands)
    const { files, linked, bytes, damagedLinks, busy } = store.optimise({
      dryRun,
      ...(operands.length === 0 ? {} : { paths: operands.map(({ path }) => path) }),
      onPath: (_path, index, total) => counter.show(index + 1, total),
    })
    const passed = busy.length === 0 ? '' : `; ${formatCount(busy.length, 'path')} in use passed over`
    return {
      data: { dryRun, files, linked, bytes, damagedLinks, busy: busy.map((path) => store.format(path)) },
      text: `${formatBytes(bytes)} ${dryRun ? 'would be ' : ''}freed by linking ${linked} of ${formatCount(files, 'file')}${passed}`,
    }
  } finally {
    counter.close()
    store.close()
  }
}
