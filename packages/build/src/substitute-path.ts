import { type NewPathInfo, removeTree, type Store } from '@baryon/store'
import type { BuildEvent, TimeBreakdown } from './build-event.ts'
import type { PlannedSubstitute } from './plan.ts'
import { type SubstituteInfo, substituteFailed } from './substituter.ts'
import type { WorkArea } from './work-directory.ts'
import { storeLocation } from './worker/job.ts'
import type { WorkerPool } from './worker/pool.ts'

export interface SubstituteContext {
  readonly store: Store
  readonly pool: WorkerPool
  readonly workArea: WorkArea
  readonly report: (event: BuildEvent) => void
  readonly breakdown: TimeBreakdown
  readonly signal: AbortSignal
}

/** Copies one path from a substituter into the store, which verifies hash and size. Throws `SUBSTITUTE_FAILED`. */
export async function substitutePath(context: SubstituteContext, task: PlannedSubstitute): Promise<'made' | 'present'> {
  const { store, signal } = context
  const { info, path, substituter } = task
  store.addTempRoot(path)
  const lock = await store.lockPaths([path], {
    signal,
    onWait: () => context.report({ kind: 'waiting', task: task.key }),
  })
  try {
    if (store.isValid(path)) return 'present'
    const total = info.downloadSize ?? info.narSize
    const onProgress = (bytes: number) => context.report({ kind: 'progress', task: task.key, bytes, total })
    await (substituter.unpack === undefined
      ? addFetched(context, task, onProgress)
      : placeUnpacked(context, task, onProgress))
    return 'made'
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw substituteFailed(store.storeDirectory, path, substituter, error)
  } finally {
    lock.release()
  }
}

async function placeUnpacked(
  { store, breakdown, signal }: SubstituteContext,
  { info, path, substituter }: PlannedSubstitute,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const location = store.reservePlace(path)
  if (location === undefined) return
  try {
    const begin = performance.now()
    await substituter.unpack!(path, location, { signal, onProgress })
    breakdown.fetch += (performance.now() - begin) / 1000
    const addBegin = performance.now()
    store.placeReceived([{ info: pathInfo(info), location }])
    breakdown.register += (performance.now() - addBegin) / 1000
  } finally {
    removeTree(location)
  }
}

async function addFetched(
  { store, pool, workArea, breakdown, signal }: SubstituteContext,
  { info, path, substituter }: PlannedSubstitute,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const work = workArea.create(path.name)
  try {
    const file = `${work.path}/nar`
    const begin = performance.now()
    await substituter.fetch(path, file, { signal, onProgress })
    breakdown.fetch += (performance.now() - begin) / 1000
    const addBegin = performance.now()
    await pool.run('addNar', { store: storeLocation(store), info: pathInfo(info), file }, signal)
    breakdown.register += (performance.now() - addBegin) / 1000
  } finally {
    await work.remove()
  }
}

function pathInfo({
  path,
  narHash,
  narSize,
  references,
  deriver,
  signatures,
  contentAddress,
}: SubstituteInfo): NewPathInfo {
  return { path, narHash, narSize, references, deriver, signatures, contentAddress }
}
