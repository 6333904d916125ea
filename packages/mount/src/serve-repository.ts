import { Worker } from 'node:worker_threads'
import {
  formatContentHash,
  type NestedCatalog,
  type ObjectSource,
  openObjectCache,
  type Repository,
} from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import { formatNewEpoch, type Session, writeAnswer } from '@baryon/fuse'
import { openCacheQuota } from './cache-quota.ts'
import { CatalogTable } from './catalog-table.ts'
import { openLatest } from './latest-repository.ts'
import { Log } from './log.ts'
import { RepositoryTree } from './repository-tree.ts'
import { SlowRequests } from './slow-requests.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'

export interface ServeRepositoryOptions {
  /** Open, of /dev/fuse; mounted by somebody else, now or soon. */
  readonly descriptor: number
  readonly source: ObjectSource
  readonly publicKeys: readonly (string | Uint8Array)[]
  readonly cacheDirectory: string
  /** Bytes that the cache may take, with what others keep in it. */
  readonly quota: number
  /** Seconds after which the server is asked for a newer revision; default: what the repository says. */
  readonly ttl?: number | undefined
  /** Whose all files are shown to be; default: what the catalogs say. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** Called when the repository is verified and can be mounted. */
  onReady?(name: string): void
}

/**
 * Shows a repository through /dev/fuse until it is unmounted. Throws what `openRepository` throws when nothing can be shown from the
 * start; later faults are errors of who reads, and lines in the attribute `user.logbuffer`.
 */
export async function serveRepository(options: ServeRepositoryOptions): Promise<void> {
  const { descriptor, source, cacheDirectory, owner } = options
  const log = new Log()
  const { repository, problem } = await openLatest(options)
  if (problem !== undefined) log.add(problem)
  const catalogs = new CatalogTable()
  const quota = openCacheQuota(cacheDirectory, {
    limit: options.quota,
    inUse: () => catalogs.files,
    onError: (error) => log.add(error),
  })
  const cache = openObjectCache(cacheDirectory, { onStored: (size) => quota.add(size) })
  const posted = new SharedArrayBuffer(4)
  let shown = repository
  const status = statusOf(() => shown, log, source)
  const tree = new RepositoryTree(rootOf(repository), {
    cacheDirectory,
    catalogs,
    environment: process.env,
    owner,
    status,
  })
  const told: ToThread[] = []
  let thread: Worker | undefined
  const tell = (message: ToThread): void => {
    if (thread === undefined) told.push(message)
    else thread.postMessage(message)
    Atomics.add(new Int32Array(posted), 0, 1)
  }
  const slow = new SlowRequests({ descriptor, tree, catalogs, cache, source, log, tell })
  await slow.catalog(rootOf(repository))
  options.onReady?.(repository.name)

  const data: ThreadData = { descriptor, cacheDirectory, root: rootOf(repository), owner, posted }
  thread = new Worker(new URL('./serve-thread.ts', import.meta.url), { workerData: data, execArgv: [] })
  for (const message of told) tell(message)
  let session: Session | undefined
  const refresh = async (): Promise<void> => {
    const latest = await openLatest({ ...options, now: Date.now() })
    if (latest.problem !== undefined) log.add(latest.problem)
    const root = rootOf(latest.repository)
    if (latest.repository.manifest.revision <= shown.manifest.revision) return
    await slow.catalog(root)
    shown = latest.repository
    tree.show(root)
    tell({ kind: 'revision', root })
    if (session?.hasEpochs) writeAnswer(descriptor, formatNewEpoch())
  }
  const ttl = (): number => Math.max(1, options.ttl ?? shown.manifest.ttl) * 1000
  const repeat = (): void => {
    timer = setTimeout(
      () =>
        void refresh()
          .catch((error) => log.add(error))
          .finally(repeat),
      ttl(),
    )
  }
  let timer: NodeJS.Timeout | undefined
  repeat()
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('error', reject)
      thread.on('message', (message: FromThread) => {
        if (message.kind === 'started') session = message.session
        else if (message.kind === 'request') {
          tree.noteDirectories(message.directories)
          void slow.take(message.request, session!.answers)
        } else if (message.kind === 'interrupt') slow.interrupt(message.unique)
        else if (message.error === undefined) resolve()
        else reject(new UserError(message.error.code, message.error.message, hintOf(message.error)))
      })
    })
  } finally {
    clearTimeout(timer)
    quota.close()
  }
}

function rootOf({ manifest }: Repository): NestedCatalog {
  return { path: '', hash: manifest.rootCatalog, size: manifest.rootCatalogSize }
}

function hintOf({ hint }: { readonly hint: string | undefined }): { readonly hint?: string } {
  return hint === undefined ? {} : { hint }
}

/** The attributes of the real client that scripts ask for. */
function statusOf(shown: () => Repository, log: Log, source: ObjectSource): (name: string) => string | undefined {
  const attributes: Readonly<Record<string, () => string>> = {
    'user.fqrn': () => shown().name,
    'user.revision': () => String(shown().manifest.revision),
    'user.root_hash': () => formatContentHash(shown().manifest.rootCatalog),
    'user.host': () => source.name,
    'user.pid': () => String(process.pid),
    'user.logbuffer': () => log.text,
  }
  return (name) => attributes[name]?.()
}
