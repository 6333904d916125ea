/** The serving thread's end of a thread that works on the store. */
import { Worker } from 'node:worker_threads'
import { THREAD_FLAGS, UserError } from '@baryon/format'
import type { StoreLocation } from '@baryon/store'
import type { ErrorData, JobAnswer, JobKind, Request, Result, ThreadData } from './thread/protocol.ts'

export interface StoreThread {
  /** Runs a job; a coded error of the thread arrives as one. */
  call<K extends JobKind>(kind: K, request: Request<K>): Promise<Result<K>>
  close(): Promise<void>
}

/** The thread is started by the first call, and anew by the first call after it has died. It keeps no process alive. */
export function createStoreThread(location: StoreLocation): StoreThread {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: unknown): void }>()
  let worker: Worker | undefined
  let last = 0
  let closed = false
  const fail = (error: Error) => {
    worker = undefined
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const start = (): Worker => {
    const data: ThreadData = { location }
    const fresh = new Worker(new URL('./thread/worker.ts', import.meta.url), {
      workerData: data,
      execArgv: THREAD_FLAGS,
    })
    fresh.unref()
    fresh.on('message', (answer: JobAnswer) => {
      const waiter = waiting.get(answer.id)
      waiting.delete(answer.id)
      if (answer.ok) waiter?.resolve(answer.result)
      else waiter?.reject(asError(answer.error))
    })
    fresh.on('error', fail)
    fresh.on('exit', () => {
      if (worker === fresh) fail(new Error('a thread of the server ended by itself'))
    })
    return fresh
  }
  return {
    call: <K extends JobKind>(kind: K, request: Request<K>) =>
      new Promise<Result<K>>((resolve, reject) => {
        if (closed) {
          reject(stopped())
          return
        }
        worker ??= start()
        const id = ++last
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
        worker.postMessage({ id, kind, request })
      }),
    close: async () => {
      closed = true
      const old = worker
      worker = undefined
      await old?.terminate()
      fail(stopped())
    },
  }
}

function stopped(): UserError {
  return new UserError('SERVER_STOPPED', 'the server is shutting down')
}

function asError({ code, message, hint, systemCode }: ErrorData): Error {
  const cause = systemCode === undefined ? undefined : Object.assign(new Error(message), { code: systemCode })
  if (code === undefined) return cause ?? new Error(message)
  return new UserError(code, message, { ...(hint === undefined ? {} : { hint }), cause })
}
