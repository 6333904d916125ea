import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { THREAD_FLAGS, UserError } from '@baryon/format'
import { type JobKind, type JobKinds, type OnBytes, type PackJob, runJob } from './transfer-job.ts'
import type { ErrorData, FromWorker, ToWorker } from './transfer-worker.ts'

/**
 * Threads for unpacking and packing. Small jobs are done at once by whoever asks, and so is a large one that is alone and
 * leaves time for other things: the start of a thread would be a sixth of compressing 20,000 small files.
 */
export interface TransferPool {
  /** Rejects with the signal's reason when aborted, after the job has cleaned up. */
  run<K extends JobKind>(
    kind: K,
    request: JobKinds[K]['request'],
    size: number,
    signal: AbortSignal,
    onBytes: OnBytes,
  ): Promise<JobKinds[K]['result']>
  close(): Promise<void>
}

/** Bytes of archive from which a job goes to a thread (the first one starts it: 150 ms). */
const THREAD_FROM = 4 * 1024 * 1024

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
}

interface Job {
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
  readonly onBytes: OnBytes
}

export function createTransferPool(size: number = Math.min(8, availableParallelism())): TransferPool {
  const threads: Thread[] = []
  let count = 0
  let isBusyHere = false
  const start = (): Thread => {
    const worker = new Worker(new URL('./transfer-worker.ts', import.meta.url), { execArgv: THREAD_FLAGS })
    const thread: Thread = { worker, jobs: new Map() }
    worker.unref()
    worker.on('message', (message: FromWorker) => settle(thread, message))
    const fail = (error: unknown): void => {
      threads.splice(threads.indexOf(thread), 1)
      for (const job of thread.jobs.values()) job.reject(error)
      thread.jobs.clear()
    }
    worker.on('error', fail)
    worker.on('exit', () => {
      if (thread.jobs.size > 0) fail(new Error('a transfer thread ended by itself'))
    })
    threads.push(thread)
    return thread
  }
  const choose = (): Thread => {
    const idlest = threads.reduce<Thread | undefined>(
      (best, thread) => (best === undefined || thread.jobs.size < best.jobs.size ? thread : best),
      undefined,
    )
    return idlest === undefined || (idlest.jobs.size > 0 && threads.length < size) ? start() : idlest
  }
  return {
    async run(kind, request, jobSize, signal, onBytes) {
      signal.throwIfAborted()
      const runHere = () => runJob(kind, request, { signal, onBytes, isAborted: () => signal.aborted })
      if (jobSize < THREAD_FROM) return runHere()
      if (!isBusyHere && threads.every(isIdle) && pauses(kind, request)) {
        isBusyHere = true
        try {
          return await runHere()
        } finally {
          isBusyHere = false
        }
      }
      const thread = choose()
      const id = count++
      const post = (message: ToWorker): void => thread.worker.postMessage(message)
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const onAbort = (): void => {
        Atomics.store(flag, 0, 1)
        post({ id, kind: 'abort' })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        return await new Promise((resolve, reject) => {
          thread.jobs.set(id, { resolve, reject, onBytes })
          thread.worker.ref()
          post({ id, kind, request, flag })
        })
      } catch (error) {
        signal.throwIfAborted()
        throw error
      } finally {
        signal.removeEventListener('abort', onAbort)
        if (thread.jobs.size === 0) thread.worker.unref()
      }
    },
    async close() {
      await Promise.all(threads.splice(0).map(({ worker }) => worker.terminate()))
    },
  }
}

function isIdle({ jobs }: Thread): boolean {
  return jobs.size === 0
}

/** Whether progress and Ctrl-C are seen to while the job runs here: compression leaves the processor after every block. */
function pauses<K extends JobKind>(kind: K, request: JobKinds[K]['request']): boolean {
  return kind === 'pack' && (request as PackJob).compression !== 'none'
}

function settle(thread: Thread, message: FromWorker): void {
  const job = thread.jobs.get(message.id)
  if (job === undefined) return
  if (message.kind === 'bytes') {
    job.onBytes(message.bytes)
    return
  }
  thread.jobs.delete(message.id)
  if (message.kind === 'done') job.resolve(message.result as never)
  else job.reject(asError(message.error))
}

function asError({ code, message, hint }: ErrorData): Error {
  return code === undefined ? new Error(message) : new UserError(code, message, hint === undefined ? {} : { hint })
}
