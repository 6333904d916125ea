/**
 * Asynchronous work in the middle of a synchronous evaluation: a worker thread does it while this thread sleeps in
 * `Atomics.wait`. The worker writes messages as it goes; the last one of a call carries its result.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { FetchRequest, FetchResult } from '@baryon/language'
import type { StoreOptions } from '@baryon/store'
import { namedError } from './named-error.ts'

export type BlockingCall =
  | {
      readonly kind: 'realise'
      readonly store: StoreOptions
      readonly targets: readonly { readonly derivation: string; readonly outputs: readonly string[] }[]
      /** Module (file URL) whose `realiseOutputs(call, report)` does it; default: `@baryon/build`. */
      readonly module: string | undefined
      /** Handed to that module: must survive structured cloning. */
      readonly data: unknown
    }
  | {
      readonly kind: 'fetch'
      readonly request: FetchRequest
      readonly storeDirectory: string
      /** Undefined: the result is kept in `cacheDirectory`. */
      readonly store: StoreOptions | undefined
      readonly cacheDirectory: string
    }

export type RealiseCall = Extract<BlockingCall, { kind: 'realise' }>
export type FetchCall = Extract<BlockingCall, { kind: 'fetch' }>

export interface FetchOutcome extends FetchResult {
  /** Where the files are when the store does not have them. */
  readonly location: string | undefined
}

/** What the worker posts. */
export type WorkerMessage =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'done'; readonly result: unknown }
  | {
      readonly kind: 'failed'
      /** Name of the class: a build that failed is told from other errors by it. */
      readonly name: string
      readonly code: string
      readonly message: string
      readonly hint: string | undefined
    }

export interface BlockingWorkerListeners {
  readonly onLog: (text: string) => void
  /** Events of a build, as they come. */
  readonly onEvent: (event: unknown) => void
}

/** Runs calls one after the other; the thread starts with the first. Close it, or the process does not end. */
export class BlockingWorker {
  readonly #listeners: BlockingWorkerListeners
  #worker: Worker | undefined
  #port: MessagePort | undefined
  readonly #signal = new Int32Array(new SharedArrayBuffer(4))

  constructor(listeners: BlockingWorkerListeners) {
    this.#listeners = listeners
  }

  call(call: BlockingCall): unknown {
    const port = this.#start()
    port.postMessage(call)
    for (let seen = 0; ; ) {
      const received = receiveMessageOnPort(port) as { message: WorkerMessage } | undefined
      if (received === undefined) {
        Atomics.wait(this.#signal, 0, seen)
        seen = Atomics.load(this.#signal, 0)
        continue
      }
      const { message } = received
      switch (message.kind) {
        case 'log':
          this.#listeners.onLog(message.text)
          break
        case 'event':
          this.#listeners.onEvent(message.event)
          break
        case 'done':
          return message.result
        case 'failed':
          throw namedError(message)
      }
    }
  }

  close(): void {
    this.#port?.close()
    void this.#worker?.terminate()
    this.#worker = undefined
    this.#port = undefined
  }

  #start(): MessagePort {
    if (this.#port !== undefined) return this.#port
    const { port1, port2 } = new MessageChannel()
    this.#worker = new Worker(new URL('./blocking-worker.ts', import.meta.url), {
      workerData: { port: port2, signal: this.#signal },
      transferList: [port2],
      // What a build hands to its children is closed there.
      trackUnmanagedFds: false,
    })
    this.#worker.unref()
    port1.unref()
    this.#port = port1
    return port1
  }
}
