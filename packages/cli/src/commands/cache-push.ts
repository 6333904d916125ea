import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { pushOutcome } from '../transfer-outcome.ts'
import { pushWithProgress } from '../transfer-with-progress.ts'

export async function run(context: Context): Promise<Outcome> {
  const [url = '', ...operands] = context.arguments.operands
  const store = await openStoreFor(context, operands)
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    return pushOutcome(store, url, await pushWithProgress(context, store, url, paths))
  } finally {
    store.close()
  }
}
