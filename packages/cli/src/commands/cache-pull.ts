import type { Context, Outcome } from '../command.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { pullOutcome } from '../transfer-outcome.ts'
import { pullWithProgress } from '../transfer-with-progress.ts'

export async function run(context: Context): Promise<Outcome> {
  const [url = '', ...operands] = context.arguments.operands
  const store = await openStoreFor(context, operands, true)
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    return pullOutcome(store, url, paths, await pullWithProgress(context, store, url, paths))
  } finally {
    store.close()
  }
}
