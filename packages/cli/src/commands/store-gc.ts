import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, parseBytes } from '../format-quantity.ts'
import { UsageError } from '../parse-arguments.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const word = given.value('max-freed')
  const maxFreed = word === undefined ? undefined : parseBytes(word)
  if (word !== undefined && maxFreed === undefined) throw new UsageError(`--max-freed ${word}: not a number of bytes`)
  const dryRun = given.flag('dry-run')
  const store = await openStoreFor(context, [])
  const result = store.collectGarbage({
    dryRun,
    ...(maxFreed === undefined ? {} : { maxFreed }),
    onDelete: (path, freed) => {
      if (context.verbose) context.terminal.err(`deleted ${path} (${formatBytes(freed)} so far)\n`)
    },
  })
  store.close()
  const count = formatCount(result.deleted.length, 'path')
  return {
    data: { dryRun, deleted: result.deleted, bytes: result.bytes, live: result.live.length, links: result.links },
    text: dryRun
      ? [...result.deleted, `${count} would be removed, ${formatBytes(result.bytes)}`].join('\n')
      : `${count} removed, ${formatBytes(result.bytes)} freed`,
  }
}
