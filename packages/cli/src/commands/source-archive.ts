import { realise } from '@baryon/build'
import { openSourceArchive } from '@baryon/fetch'
import { fixedOutputHash, formatHash, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount } from '../format-quantity.ts'
import { sourceDirectory } from '../source-directory.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'
import { derivationOf } from './derivation-show.ts'

interface Source {
  readonly derivation: StorePath
  readonly output: StorePath
  readonly fixed: ReturnType<typeof fixedOutputHash>
}

/** Every fixed output in the closure of the derivations is put into the archive, fetched first where it is nowhere. */
export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, given.operands, true)
  const platforms = given.values('platform')
  const tops: StorePath[] = []
  for (const platform of platforms.length > 0 ? platforms : [undefined]) {
    const operands = await findOperands(
      context,
      store,
      given.operands,
      'derivation',
      given.operands.map(() => platform),
    )
    tops.push(...operands.map(({ path }) => derivationOf(store, path)))
  }
  const settings = await context.settings({ stack: given.value('file') })
  const archive = openSourceArchive(sourceDirectory(settings))
  const sources = sourcesBelow(store, tops)
  const missing = sources.filter(({ fixed }) => archive.get(fixed.hash) === undefined)
  const dryRun = given.flag('dry-run')
  if (!dryRun) {
    const toFetch = missing.filter(({ output }) => !store.isValid(output))
    if (toFetch.length > 0) {
      context.terminal.err(`fetching ${formatCount(toFetch.length, 'source')}\n`)
      await realise(
        store,
        toFetch.map(({ derivation }) => ({ derivation, outputs: 'all' as const })),
        { signal: context.signal },
      )
    }
    // What was in the store already entered it without passing the archive.
    for (const source of missing) if (archive.get(source.fixed.hash) === undefined) keep(store, source)
  }
  const records = sources.map(({ output, fixed }) => {
    const file = archive.get(fixed.hash)
    return { name: output.name, hash: formatHash(fixed.hash, 'sri'), archived: file !== undefined, size: file?.size }
  })
  const size = records.reduce((sum, record) => sum + (record.size ?? 0), 0)
  return {
    data: { sources: records, size },
    text: [
      ...(dryRun
        ? records.map((record) => `${record.archived ? 'archived' : 'missing '}  ${record.hash}  ${record.name}`)
        : []),
      `${formatCount(records.filter(({ archived }) => archived).length, 'source')} of ${records.length} archived, ${formatBytes(size)}`,
    ].join('\n'),
  }

  function keep(from: Store, { output, fixed }: Source): void {
    const path = from.physicalPath(output)
    if (fixed.method === 'recursive') {
      archive.putTree(path, { name: output.name, hash: fixed.hash })
      return
    }
    archive.put(path, { name: output.name, hash: fixed.hash })
  }
}

function sourcesBelow(store: Store, tops: readonly StorePath[]): Source[] {
  return store
    .computeClosure(tops)
    .filter((path) => path.name.endsWith('.drv'))
    .flatMap((derivation): Source[] => {
      const { outputs } = store.readDerivation(derivation)
      const output = outputs.get('out')
      if (output === undefined || output.hash === '' || output.hashAlgo === '') return []
      return [{ derivation, output: store.parse(output.path), fixed: fixedOutputHash(output) }]
    })
}
