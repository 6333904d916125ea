import { type CollectResult, type Generation, removeOldGenerations } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, parseBytes } from '../format-quantity.ts'
import { UsageError } from '../parse-arguments.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const dryRun = context.arguments.flag('dry-run')
  const maxFreed = bytesOf(context)
  const age = ageOf(context)
  const store = await openStoreFor(context, [])
  const generations = age === undefined ? [] : removeOldGenerations(store, Date.now() - age, { dryRun })
  const result = store.collectGarbage({
    dryRun,
    ...(maxFreed === undefined ? {} : { maxFreed }),
    keepOutputs: context.arguments.flag('keep-outputs'),
    keepDerivations: keepsDerivations(context),
    ignoredLinks: new Set(generations.map(({ link }) => link)),
    onDelete: progress(context),
  })
  store.close()
  if (context.terminal.isLive) context.terminal.err('\r\x1b[K')
  return {
    data: {
      dryRun,
      generations: generations.map(({ profile, number, link }) => ({ profile, number, link })),
      deleted: result.deleted,
      bytes: result.bytes,
      live: result.live.length,
      links: result.links,
    },
    text: dryRun ? foreseen(generations, result) : done(generations, result),
  }
}

function foreseen(generations: readonly Generation[], { deleted, bytes }: CollectResult): string {
  const count = formatCount(deleted.length, 'path')
  return [
    ...generations.map(({ link }) => link),
    ...deleted,
    `${ofGenerations(generations)}${count} would be removed, ${formatBytes(bytes)}`,
  ].join('\n')
}

function done(generations: readonly Generation[], { deleted, bytes }: CollectResult): string {
  return `${ofGenerations(generations)}${formatCount(deleted.length, 'path')} removed, ${formatBytes(bytes)} freed`
}

function ofGenerations(generations: readonly Generation[]): string {
  return generations.length === 0 ? '' : `${formatCount(generations.length, 'generation')} and `
}

function bytesOf({ arguments: given }: Context): number | undefined {
  const word = given.value('max-freed')
  if (word === undefined) return undefined
  const bytes = parseBytes(word)
  if (bytes === undefined) throw new UsageError(`--max-freed ${word}: not a number of bytes`)
  return bytes
}

/** Milliseconds. */
function ageOf({ arguments: given }: Context): number | undefined {
  const word = given.value('delete-older-than')
  if (word === undefined) return undefined
  const days = /^([1-9]\d{0,5})d$/.exec(word)?.[1]
  if (days === undefined) {
    throw new UsageError(`--delete-older-than ${word}: not a number of days`, { hint: 'for example 30d' })
  }
  return Number(days) * 24 * 3600 * 1000
}

function keepsDerivations({ arguments: given }: Context): boolean {
  const [yes, no] = [given.flag('keep-derivations'), given.flag('no-keep-derivations')]
  if (yes && no) throw new UsageError('--keep-derivations and --no-keep-derivations exclude each other')
  return !no
}

function progress({ terminal, verbose }: Context): (path: string, freed: number) => void {
  let count = 0
  let bytes = 0
  return (path, freed) => {
    count++
    bytes += freed
    if (verbose) terminal.err(`deleted ${path} (${formatBytes(freed)})\n`)
    else if (terminal.isLive) terminal.err(`\r\x1b[Kdeleted ${formatCount(count, 'path')}, ${formatBytes(bytes)}`)
  }
}
