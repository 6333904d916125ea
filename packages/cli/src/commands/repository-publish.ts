import { resolve } from 'node:path'
import { closureChanges } from '@baryon/cache'
import { type Change, formatContentHash, type PublishResult, publish } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatSeconds } from '../format-quantity.ts'
import { createProgressLine } from '../progress/progress-line.ts'
import { ownRepository, repositoryName } from '../repository-access.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [directory = '', ...operands] = given.operands
  const repository = await ownRepository(context, directory)
  const changes = [...treeChanges(context), ...(await storeChanges(context, directory, operands))]
  if (changes.length === 0) {
    throw new UserError('USAGE', 'nothing to publish: give store paths, --tree with --at, or --remove')
  }
  const tag = given.value('tag')
  const begin = performance.now()
  const progress = createProgressLine(context.terminal)
  let result: PublishResult
  try {
    result = await publish(
      {
        ...repository,
        isCompressed: !given.flag('uncompressed'),
        // What is in a store belongs to nobody in particular.
        ...(operands.length > 0 ? { owner: { uid: 0, gid: 0 } } : {}),
        ...(tag === undefined ? {} : { tag: { name: tag, description: given.value('description') ?? '' } }),
        onProgress: ({ entries, plain, stored }) =>
          progress.show(
            () =>
              `publishing: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(plain)} read, ${formatBytes(stored)} stored`,
          ),
      },
      changes,
    )
  } finally {
    progress.close()
  }
  const { manifest, catalogs, entries, plain, stored, objects } = result
  const seconds = (performance.now() - begin) / 1000
  return {
    data: {
      name: manifest.name,
      revision: manifest.revision,
      rootCatalog: formatContentHash(manifest.rootCatalog),
      isChanged: catalogs > 0,
      catalogs,
      entries,
      bytes: plain,
      newObjects: objects,
      newBytes: stored,
    },
    text:
      catalogs === 0
        ? `${manifest.name}: everything is there already (revision ${manifest.revision})`
        : `${manifest.name}: revision ${manifest.revision}, ${formatCount(entries, 'entry', 'entries')} with ${formatBytes(plain)}, ` +
          `${formatCount(objects, 'new object')} of ${formatBytes(stored)}, ${formatCount(catalogs, 'catalog')} in ${formatSeconds(seconds)}`,
  }
}

function treeChanges(context: Context): Change[] {
  const given = context.arguments
  const tree = given.value('tree')
  const at = given.value('at')
  if ((tree === undefined) !== (at === undefined)) throw new UserError('USAGE', '--tree and --at belong together')
  const bytes = (path: string) => Buffer.from(path, 'utf8').toString('latin1')
  return [
    ...given.values('remove').map((path): Change => ({ kind: 'remove', at: bytes(path) })),
    ...(tree === undefined || at === undefined
      ? []
      : [{ kind: 'tree', at: bytes(at.replace(/\/+$/, '')), from: resolve(tree) } as const]),
  ]
}

async function storeChanges(context: Context, directory: string, operands: readonly string[]): Promise<Change[]> {
  if (operands.length === 0) return []
  const store = await openStoreFor(context, operands)
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    return closureChanges(store, await repositoryName(directory), paths)
  } finally {
    store.close()
  }
}
