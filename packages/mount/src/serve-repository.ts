import { Worker } from 'node:worker_threads'
import {
  formatContentHash,
  type NestedCatalog,
  type ObjectCache,
  type ObjectSource,
  openObjectCache,
  type Repository,
} from '@baryon/cvmfs'
import { THREAD_FLAGS, UserError } from '@baryon/format'
import { formatNewEpoch, type Session, writeAnswer } from '@baryon/fuse'
import { openCacheQuota } from './cache-quota.ts'
import { CatalogTable } from './catalog-table.ts'
import { openLatest } from './latest-repository.ts'
import { Log } from './log.ts'
import { RepositoryTree } from './repository-tree.ts'
import { SlowRequests } from './slow-requests.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'
import { createRecorder, fetchTrace, parseTrace, type TraceLine } from './trace.ts'

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
  /** A file to which a trace is added. */
  readonly record?: string | undefined
  /** What is fetched ahead: a trace, or the path of one in the repository. */
  readonly prefetch?: Uint8Array | string | undefined
  /** Called when the repository is verified and can be mounted. */
  onReady?(name: string): void
}

/**
 * Shows a repository through /dev/fuse until it is unmounted. Throws what `openRepository` throws when nothing can be shown from the
 * start; later faults are errors of who reads, and lines in the attribute `user.logbuffer`.
 */
export async function serveRepository(options: ServeRepositoryOptions): Promise<void> {
  const { descriptor, source, cacheDirectory, owner, record } = options
  const trace = typeof options.prefetch === 'object' ? parseTrace(options.prefetch) : undefined
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
    record: record === undefined ? undefined : createRecorder(record),
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
  const ahead = new AbortController()
  if (options.prefetch !== undefined)
    void fetchAhead(trace ?? String(options.prefetch), repository, cache, ahead.signal).catch((error) => log.add(error))

  const data: ThreadData = { descriptor, cacheDirectory, root: rootOf(repository), owner, record, posted }
  thread = new Worker(new URL('./serve-thread.ts', import.meta.url), { workerData: data, execArgv: THREAD_FLAGS })
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
  let isOver = false
  const repeat = (): void => {
    // It may have ended while a manifest was on its way.
    if (isOver) return
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
    isOver = true
    clearTimeout(timer)
    ahead.abort()
    quota.close()
  }
}

async function fetchAhead(
  trace: readonly TraceLine[] | string,
  repository: Repository,
  cache: ObjectCache,
  signal: AbortSignal,
): Promise<void> {
  const lines = typeof trace === 'string' ? parseTrace(await readTrace(trace, repository, signal)) : trace
  await fetchTrace(lines, repository, cache, signal)
}

async function readTrace(path: string, repository: Repository, signal: AbortSignal): Promise<Uint8Array> {
  const revision = await repository.revision(undefined, signal)
  try {
    const entry = await revision.entry(path, signal)
    if (entry === undefined || entry.kind !== 'file' || entry.size > LARGEST_TRACE)
      throw new UserError('MOUNT_TRACE', `${path} is no trace in the repository`)
    const chunks: Uint8Array[] = []
    for await (const chunk of revision.read(entry, signal)) chunks.push(Uint8Array.from(chunk))
    return Buffer.concat(chunks)
  } finally {
    await revision.close()
  }
}

/** Bytes. */
const LARGEST_TRACE = 1 << 26

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
