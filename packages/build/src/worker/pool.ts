import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { THREAD_FLAGS, UserError } from '@baryon/format'
import type { JobKind, JobKinds } from './job.ts'
import { END, type JobAnswer, type JobMessage } from './message.ts'

export interface WorkerPool {
  /** Does the job in a thread. On abort the thread is ended, and the promise rejects with the signal's reason. */
  run<K extends JobKind>(kind: K, request: JobKinds[K]['request'], signal?: AbortSignal): Promise<JobKinds[K]['result']>
  /** Ends all threads. */
  close(): Promise<void>
}

/** An error of the system inside a worker. */
export class WorkerSystemError extends Error {
  readonly code: string
  /** Every error of the system has one; this one's is not known any more. */
  readonly syscall = 'worker'
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Threads are started when they are first needed (40 ms each) and do not keep the process alive. There are more of them than
 * processors, so that unpacking a large tree does not keep small outputs from being registered.
 */
export function createWorkerPool(size: number = Math.max(4, Math.min(8, availableParallelism() + 2))): WorkerPool {
  const idle: Worker[] = []
  const all = new Set<Worker>()
  const waiting: ((worker: Worker) => void)[] = []
  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { execArgv: THREAD_FLAGS })
    all.add(worker)
    worker.unref()
    return worker
  }
  const take = (): Promise<Worker> => {
    const worker = idle.pop() ?? (all.size < size ? start() : undefined)
    return worker === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(worker)
  }
  const giveBack = (worker: Worker) => {
    const next = waiting.shift()
    if (next === undefined) idle.push(worker)
    else next(worker)
  }
  const drop = (worker: Worker) => {
    all.delete(worker)
    void worker.terminate()
    const next = waiting.shift()
    if (next !== undefined) next(start())
  }
  return {
    async run<K extends JobKind>(kind: K, request: JobKinds[K]['request'], signal?: AbortSignal) {
      const worker = await take()
      try {
        signal?.throwIfAborted()
      } catch (error) {
        giveBack(worker)
        throw error
      }
      worker.ref()
      return new Promise<JobKinds[K]['result']>((resolve, reject) => {
        const settle = (finish: () => void, healthy: boolean) => {
          worker.off('error', onError).off('exit', onExit).off('message', onMessage)
          signal?.removeEventListener('abort', onAbort)
          worker.unref()
          if (healthy) giveBack(worker)
          else drop(worker)
          finish()
        }
        const onAbort = () => settle(() => reject(signal!.reason), false)
        const onError = (error: unknown) => settle(() => reject(error), false)
        const onExit = () => settle(() => reject(new Error('a worker thread ended by itself')), false)
        const onMessage = (answer: JobAnswer) =>
          settle(() => (answer.ok ? resolve(answer.result as JobKinds[K]['result']) : reject(asError(answer))), true)
        signal?.addEventListener('abort', onAbort, { once: true })
        worker.once('error', onError).once('exit', onExit).once('message', onMessage)
        worker.postMessage({ kind, request } satisfies JobMessage)
      })
    },
    async close() {
      // Those that are idle close their stores; the others do something that nobody waits for any more.
      for (const worker of idle.splice(0)) {
        all.delete(worker)
        worker.ref()
        const ended = once(worker, 'exit')
        worker.postMessage(END)
        await ended
      }
      await Promise.all(Array.from(all, (worker) => worker.terminate()))
      all.clear()
    },
  }
}

function asError(answer: JobAnswer & { ok: false }): Error {
  const system = answer.systemCode === undefined ? undefined : new WorkerSystemError(answer.systemCode, answer.message)
  if (answer.code === undefined) return system ?? new Error(answer.message)
  return new UserError(answer.code, answer.message, {
    ...(answer.hint === undefined ? {} : { hint: answer.hint }),
    cause: system,
  })
}
