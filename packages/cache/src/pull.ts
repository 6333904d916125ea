import { inParallel } from '@baryon/cvmfs'
import { type Narinfo, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import { removeTree, type Store } from '@baryon/store'
import { byPriority, type FoundPath, findClosure } from './find-closure.ts'
import type { CacheLookup, PathFinder } from './look-up.ts'
import { receivePath } from './receive-path.ts'
import { createRegistrar } from './registrar.ts'
import type { OnTransfer } from './transfer-event.ts'
import type { CacheAddress, OnBytes } from './transfer-job.ts'
import { createTransferPool } from './transfer-pool.ts'

/** A cache that paths may come from. */
export interface PullSource {
  readonly lookup: CacheLookup
  readonly address: CacheAddress
}

/** Whatever paths may come from. */
export interface PathSource extends PathFinder {
  /** Puts a path that it has together at a reserved place of a store, where it is verified; or nothing is there. */
  receive(narinfo: Narinfo, location: string, signal: AbortSignal, onBytes: OnBytes): Promise<void>
}

export interface PullOptions {
  /** Paths in work at once; default 8. */
  readonly jobs?: number | undefined
  readonly onEvent?: OnTransfer | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PullReport {
  readonly pulled: readonly StorePath[]
  readonly narBytes: number
  readonly fileBytes: number
}

/** Copies the closure of the paths out of caches: see `receiveClosure`. */
export async function pullPaths(
  store: Store,
  sources: readonly PullSource[],
  paths: readonly StorePath[],
  options: PullOptions = {},
): Promise<PullReport> {
  const pool = createTransferPool()
  try {
    const places = sources.map(
      ({ lookup, address }): PathSource => ({
        ...lookup,
        receive: (narinfo, location, signal, onBytes) =>
          receivePath(pool, lookup, address, narinfo, location, signal, onBytes),
      }),
    )
    return await receiveClosure(store, places, paths, options)
  } finally {
    await pool.close()
  }
}

/**
 * Copies the closure of the paths into the store, as far as it is missing there: downloads in any order, registers references
 * before referrers. A source that fails to give what it promised is passed over for the next one that has the path with the same references.
 */
export async function receiveClosure(
  store: Store,
  sources: readonly PathSource[],
  paths: readonly StorePath[],
  options: PullOptions = {},
): Promise<PullReport> {
  const { onEvent, jobs = 8 } = options
  const failed = new AbortController()
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal])
  const isPresent = (path: StorePath): boolean => {
    store.addTempRoot(path)
    return store.isValid(path)
  }
  const ordered = byPriority(sources)
  const found = await findClosure(ordered, paths, isPresent, signal)
  const downloads = [...found.values()]
  const total = downloads.reduce((sum, { narinfo }) => sum + sizeOf(narinfo), 0)
  onEvent?.({ kind: 'planned', paths: downloads.length, bytes: total })

  const registrar = createRegistrar(store, found)
  /** Gives the narinfo that was true. */
  const receive = async (one: FoundPath<PathSource>, location: string): Promise<Narinfo> => {
    const { path } = one.narinfo
    const total = sizeOf(one.narinfo)
    const onBytes = (bytes: number): void => onEvent?.({ kind: 'progress', path, bytes, total })
    let failure: UserError | undefined
    for await (const candidate of candidates(one, ordered, signal)) {
      try {
        const { finder, narinfo } = candidate
        await finder.receive(narinfo, location, signal, onBytes)
        return narinfo
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof UserError)) throw error
        failure ??= error
        onEvent?.({ kind: 'notice', message: `${candidate.finder.name}: ${error.message}` })
      }
    }
    throw failure!
  }
  const pull = async (one: FoundPath<PathSource>): Promise<void> => {
    const { path } = one.narinfo
    const begin = performance.now()
    const seconds = (): number => (performance.now() - begin) / 1000
    const location = store.reservePlace(path)
    if (location === undefined) return registrar.isThere(storePathBaseName(path))
    onEvent?.({ kind: 'started', path })
    try {
      registrar.isUnpacked(await receive(one, location), location)
      onEvent?.({ kind: 'finished', path, seconds: seconds() })
    } catch (error) {
      removeTree(location)
      onEvent?.({ kind: 'failed', path, seconds: seconds(), error: error as Error })
      failed.abort(error)
      throw error
    }
  }
  try {
    await inParallel(Math.max(1, jobs), downloads, pull)
    registrar.finish()
  } finally {
    registrar.discard()
  }
  return {
    pulled: downloads.map(({ narinfo }) => narinfo.path),
    narBytes: downloads.reduce((sum, { narinfo }) => sum + narinfo.narSize, 0),
    fileBytes: total,
  }
}

/** First what was planned, then others that have the path as well, of which only now is asked. */
async function* candidates(
  planned: FoundPath<PathSource>,
  sources: readonly PathSource[],
  signal: AbortSignal,
): AsyncGenerator<FoundPath<PathSource>> {
  yield planned
  const { path } = planned.narinfo
  for (const finder of sources) {
    if (finder === planned.finder) continue
    const narinfo = await findOne(finder, path, signal)
    // Another build of the path may have other references, which nobody has planned for.
    if (narinfo !== undefined && sameReferences(narinfo, planned.narinfo)) yield { narinfo, finder }
  }
}

/** Undefined as well for one that cannot be asked: another one may do. */
async function findOne(finder: PathFinder, path: StorePath, signal: AbortSignal): Promise<Narinfo | undefined> {
  try {
    return (await finder.find([path], signal)).get(storePathBaseName(path))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof UserError) return undefined
    throw error
  }
}

function sameReferences(a: Narinfo, b: Narinfo): boolean {
  const names = (info: Narinfo): string => info.references.map(storePathBaseName).sort().join(' ')
  return names(a) === names(b)
}

function sizeOf({ fileSize, narSize }: Narinfo): number {
  return fileSize ?? narSize
}
