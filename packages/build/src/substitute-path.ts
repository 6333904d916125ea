import type { Store } from '@baryon/store'
import type { BuildEvent, TimeBreakdown } from './build-event.ts'
import type { PlannedSubstitute } from './plan.ts'
import { substituteFailed } from './substituter.ts'
import { createWorkDirectory } from './work-directory.ts'
import { storeLocation } from './worker/job.ts'
import type { WorkerPool } from './worker/pool.ts'

export interface SubstituteContext {
  readonly store: Store
  readonly pool: WorkerPool
  readonly report: (event: BuildEvent) => void
  readonly breakdown: TimeBreakdown
  readonly signal: AbortSignal
}

/** Copies one path from a substituter into the store, which verifies hash and size. Throws `SUBSTITUTE_FAILED`. */
export async function substitutePath(context: SubstituteContext, task: PlannedSubstitute): Promise<'made' | 'present'> {
  const { store, signal, breakdown } = context
  const { info, path, substituter } = task
  store.addTempRoot(path)
  const lock = await store.lockPaths([path], {
    signal,
    onWait: () => context.report({ kind: 'waiting', task: task.key }),
  })
  try {
    if (store.isValid(path)) return 'present'
    const work = createWorkDirectory(store, path.name)
    try {
      const file = `${work.path}/nar`
      const total = info.downloadSize ?? info.narSize
      const onProgress = (bytes: number) => context.report({ kind: 'progress', task: task.key, bytes, total })
      const begin = performance.now()
      await substituter.fetch(path, file, { signal, onProgress })
      breakdown.fetch += (performance.now() - begin) / 1000
      const addBegin = performance.now()
      const { narHash, narSize, references, deriver, signatures, contentAddress } = info
      const added = { path, narHash, narSize, references, deriver, signatures, contentAddress }
      await context.pool.run('addNar', { store: storeLocation(store), info: added, file }, signal)
      breakdown.register += (performance.now() - addBegin) / 1000
    } finally {
      await work.remove(context.pool)
    }
    return 'made'
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw substituteFailed(store.storeDirectory, path, substituter, error)
  } finally {
    lock.release()
  }
}
