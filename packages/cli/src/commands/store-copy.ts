import { resolve } from 'node:path'
import { copyPaths } from '@baryon/cache'
import { openStore, type Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { pullOutcome, pushOutcome } from '../transfer-outcome.ts'
import { isCacheUrl, pullWithProgress, pushWithProgress, withReporter } from '../transfer-with-progress.ts'

export async function run(context: Context): Promise<Outcome> {
  const { operands, value } = context.arguments
  const to = value('to')
  const from = value('from')
  if ((to === undefined) === (from === undefined)) throw new UsageError('give either --to or --from')
  const store = await openStoreFor(context, operands, from !== undefined)
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    const place = (to ?? from)!
    if (isCacheUrl(place)) {
      return to !== undefined
        ? pushOutcome(store, place, await pushWithProgress(context, store, place, paths))
        : pullOutcome(store, place, paths, await pullWithProgress(context, store, place, paths))
    }
    const other = openStore({
      storeDirectory: store.storeDirectory,
      root: resolve(place),
      readOnly: from !== undefined,
    })
    try {
      const [source, target] = to === undefined ? [other, store] : [store, other]
      const copied = await copyBetween(context, source, target, paths)
      return {
        data: { copied: copied.map((path) => store.format(path)) },
        text: copied.map((path) => store.format(path)).join('\n'),
      }
    } finally {
      other.close()
    }
  } finally {
    store.close()
  }
}

function copyBetween(context: Context, source: Store, target: Store, paths: Parameters<typeof copyPaths>[2]) {
  return withReporter(context, (onEvent) => copyPaths(source, target, paths, { onEvent, signal: context.signal }))
}
