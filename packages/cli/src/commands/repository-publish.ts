import { join, resolve } from 'node:path'
import { closureChanges } from '@baryon/cache'
import {
  type Change,
  formatContentHash,
  openPreparedCatalogs,
  openXattrReader,
  type PreparedCatalogs,
  type PublishProgress,
  type PublishResult,
  publish,
} from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatSeconds } from '../format-quantity.ts'
import { createProgressLine } from '../progress/progress-line.ts'
import { releaseChanges, releasePaths, splitReleases } from '../publish-release.ts'
import { type OwnRepository, ownRepository, repositoryName } from '../repository-access.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const [directory = '', ...operands] = context.arguments.operands
  const repository = await ownRepository(context, directory)
  const store = operands.length === 0 ? undefined : await openStoreFor(context, operands)
  try {
    const changes = [
      ...treeChanges(context),
      ...(store === undefined ? [] : await storeChanges(context, store, await repositoryName(directory), operands)),
    ]
    if (changes.length === 0) {
      throw new UserError('USAGE', 'nothing to publish: give store paths, --tree with --at, or --remove')
    }
    const begin = performance.now()
    const preparedCatalogs =
      store === undefined ? undefined : openPreparedCatalogs(join(store.ownDirectory, 'published'))
    const result = await publishWithProgress(context, { ...repository, preparedCatalogs }, changes)
    return outcome(result, (performance.now() - begin) / 1000)
  } finally {
    store?.close()
  }
}

async function storeChanges(
  context: Context,
  store: Store,
  repository: string,
  operands: readonly string[],
): Promise<Change[]> {
  const { releases, others } = splitReleases(store, operands)
  const paths = (await findOperands(context, store, others)).map(({ path }) => path)
  return [
    ...closureChanges(store, repository, [...paths, ...releases.flatMap(releasePaths)]),
    // After what they lead to.
    ...releases.flatMap((release) => releaseChanges(store, repository, release, placeOf(context) ?? '')),
  ]
}

/** `--at`; the top is the empty text. */
function placeOf({ arguments: given }: Context): string | undefined {
  return given.value('at')?.replace(/\/+$/, '')
}

async function publishWithProgress(
  context: Context,
  repository: OwnRepository & { readonly preparedCatalogs: PreparedCatalogs | undefined },
  changes: readonly Change[],
): Promise<PublishResult> {
  const given = context.arguments
  const tag = given.value('tag')
  const progress = createProgressLine(context.terminal)
  const show = ({ entries, plain, stored }: PublishProgress): string =>
    `publishing: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(plain)} read, ${formatBytes(stored)} stored`
  try {
    return await publish(
      {
        ...repository,
        isCompressed: !given.flag('uncompressed'),
        // What is in a store belongs to nobody in particular.
        ...(given.operands.length > 1 ? { owner: { uid: 0, gid: 0 } } : {}),
        readXattrs: given.flag('xattrs') ? openXattrReader() : undefined,
        ...(tag === undefined ? {} : { tag: { name: tag, description: given.value('description') ?? '' } }),
        onProgress: (done) => progress.show(() => show(done)),
      },
      changes,
    )
  } finally {
    progress.close()
  }
}

function outcome(result: PublishResult, seconds: number): Outcome {
  const { manifest, catalogs, attached, entries, plain, stored, objects } = result
  return {
    data: {
      name: manifest.name,
      revision: manifest.revision,
      rootCatalog: formatContentHash(manifest.rootCatalog),
      isChanged: catalogs > 0,
      catalogs,
      attached,
      entries,
      bytes: plain,
      newObjects: objects,
      newBytes: stored,
    },
    text:
      catalogs === 0
        ? `${manifest.name}: everything is there already (revision ${manifest.revision})`
        : `${manifest.name}: revision ${manifest.revision}, ${formatCount(entries, 'entry', 'entries')} with ${formatBytes(plain)}, ` +
          `${formatCount(objects, 'new object')} of ${formatBytes(stored)}, ${formatCount(catalogs, 'catalog')}` +
          `${attached === 0 ? '' : ` and ${attached} from before`} in ${formatSeconds(seconds)}`,
  }
}

function treeChanges(context: Context): Change[] {
  const given = context.arguments
  const tree = given.value('tree')
  const at = placeOf(context)
  if (tree !== undefined && at === undefined) throw new UserError('USAGE', '--tree needs --at, where it goes')
  if (tree === undefined && at !== undefined && given.operands.length < 2) {
    throw new UserError('USAGE', '--at goes with --tree or with a release')
  }
  if (given.flag('xattrs') && tree === undefined) throw new UserError('USAGE', '--xattrs goes with --tree')
  const bytes = (path: string) => Buffer.from(path, 'utf8').toString('latin1')
  return [
    ...given.values('remove').map((path): Change => ({ kind: 'remove', at: bytes(path) })),
    ...(tree === undefined || at === undefined ? [] : [{ kind: 'tree', at: bytes(at), from: resolve(tree) } as const]),
  ]
}
