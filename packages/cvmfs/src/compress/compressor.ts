/** Objects compressed and hashed by threads, or at once while there is little to do. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { THREAD_FLAGS } from '@baryon/format'
import { type ContentHash, type HashAlgorithm, hashContent } from '../content-hash.ts'
import { createDeflate, type Deflate } from './deflate.ts'

export interface Compressor {
  /** The memory of `bytes` is given away: the caller may not use it any more. */
  compress(bytes: Uint8Array<ArrayBuffer>): Promise<Compressed>
  /** Ends the threads, and what they do. */
  close(): void
}

/** The bytes to store, and their hash. */
export interface Compressed {
  readonly stored: Uint8Array<ArrayBuffer>
  readonly hash: ContentHash
}

/** What goes to a thread and comes back, in this order: many at once, since a message costs as much as a small file. */
export interface Batch {
  readonly algorithm: HashAlgorithm
  readonly pieces: readonly Uint8Array<ArrayBuffer>[]
}

export type Answer =
  | { readonly ok: true; readonly pieces: readonly Compressed[] }
  | { readonly ok: false; readonly error: unknown }

/** Bytes after which threads are started (40 ms each): fewer are done sooner without. */
const THREADS_FROM = 2 * 1024 * 1024

export function createCompressor(
  algorithm: HashAlgorithm,
  threads: number = Math.min(16, availableParallelism()),
): Compressor {
  let deflate: Deflate | undefined
  let bytesSoFar = 0
  let pool: Pool | undefined
  return {
    async compress(bytes) {
      bytesSoFar += bytes.length
      if (pool === undefined && bytesSoFar < THREADS_FROM) {
        deflate ??= createDeflate()
        const stored = deflate(bytes)
        return { stored, hash: hashContent(algorithm, stored) }
      }
      pool ??= new Pool(algorithm, threads)
      return pool.compress(bytes)
    },
    close: () => pool?.close(),
  }
}

interface Request {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly resolve: (result: Compressed) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  /** Batches that were sent, the oldest first. */
  readonly sent: (readonly Request[])[]
  bytes: number
}

class Pool {
  readonly #algorithm: HashAlgorithm
  readonly #threads: Thread[]
  #waiting: Request[] = []

  constructor(algorithm: HashAlgorithm, threads: number) {
    this.#algorithm = algorithm
    this.#threads = Array.from({ length: threads }, () => this.#start())
  }

  compress(bytes: Uint8Array<ArrayBuffer>): Promise<Compressed> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#send())
      this.#waiting.push({ bytes, resolve, reject })
    })
  }

  close(): void {
    for (const { worker } of this.#threads) void worker.terminate()
  }

  /** What was asked for since the last time is dealt out, by bytes. */
  #send(): void {
    const requests = this.#waiting
    this.#waiting = []
    const batches = new Map<Thread, Request[]>()
    for (const request of requests) {
      const thread = this.#threads.reduce((least, other) => (other.bytes < least.bytes ? other : least))
      thread.bytes += request.bytes.length + COST_OF_ONE
      const batch = batches.get(thread)
      if (batch === undefined) batches.set(thread, [request])
      else batch.push(request)
    }
    for (const [thread, batch] of batches) {
      thread.sent.push(batch)
      const pieces = batch.map(({ bytes }) => bytes)
      thread.worker.ref()
      thread.worker.postMessage(
        { algorithm: this.#algorithm, pieces } satisfies Batch,
        pieces.map(({ buffer }) => buffer),
      )
    }
  }

  #start(): Thread {
    const worker = new Worker(new URL('./compress-worker.ts', import.meta.url), {
      execArgv: THREAD_FLAGS,
    })
    const thread: Thread = { worker, sent: [], bytes: 0 }
    worker.unref()
    worker.on('message', (answer: Answer) => {
      const batch = thread.sent.shift()!
      if (thread.sent.length === 0) {
        thread.bytes = 0
        worker.unref()
      }
      for (const [index, { resolve, reject }] of batch.entries()) {
        if (answer.ok) resolve(answer.pieces[index]!)
        else reject(answer.error)
      }
    })
    const fail = (error: unknown): void => {
      for (const batch of thread.sent.splice(0)) for (const { reject } of batch) reject(error)
    }
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('a thread that compresses ended by itself')))
    return thread
  }
}

/** In bytes to compress: what an object costs beside. */
const COST_OF_ONE = 4096
