import { UserError } from '@baryon/format'
import { EvaluationFailure } from '../evaluation-failure.ts'
import { namedError } from '../named-error.ts'
import { JobQueue } from './job-queue.ts'
import type { JobPath, JobsRequest } from './job-request.ts'
import { failureRecord, OUT_OF_MEMORY, type RootFailure } from './protocol.ts'
import { type Reply, type WorkerEnd, WorkerHandle } from './worker-handle.ts'

export interface JobsListeners {
  /** Lines of JSON (bytes), each with its line end: a record per derivation or failed job. */
  readonly onRecords: (lines: string) => void
  readonly onFailure: (record: string) => void
  readonly onLog: (message: string) => void
  readonly onProgress: (progress: JobsProgress) => void
}

export interface JobsProgress {
  /** Attributes that were looked at, and those that are known. */
  readonly done: number
  readonly known: number
  readonly derivations: number
  readonly failed: number
  /** Of the failed ones, those that took their worker with them. */
  readonly fatal: number
  /** Workers that were replaced because of their memory. */
  readonly restarts: number
}

/**
 * Evaluates all derivations of a set in worker processes. What fails in one job is that job's record, whatever it is.
 * Throws when the root cannot be evaluated, and an `INTERRUPTED` error, with no worker left, when `signal` aborts.
 */
export function runJobs(request: JobsRequest, listeners: JobsListeners, signal: AbortSignal): Promise<JobsProgress> {
  return new Promise((resolve, reject) => new Master(request, listeners, signal, { resolve, reject }).start())
}

/** Jobs are handed out for about so long at a time, and the next ones before these are done. */
const BATCH_MILLISECONDS = 250
const BATCH_LIMIT = 256
/** A worker that cannot even evaluate the root is started again; it may have been killed by chance. */
const ROOT_ATTEMPTS = 3
const GRACE_MILLISECONDS = 2000
const DOUBT_MILLISECONDS = 100

interface Slot {
  readonly index: number
  readonly largeStack: boolean
  worker: WorkerHandle | undefined
  /** To be done before anything else, by a fresh worker. */
  first: JobPath[]
}

interface Settle {
  readonly resolve: (progress: JobsProgress) => void
  readonly reject: (error: unknown) => void
}

class Master {
  readonly #request: JobsRequest
  readonly #listeners: JobsListeners
  readonly #signal: AbortSignal
  readonly #settle: Settle
  readonly #queue = new JobQueue()
  readonly #slots: Slot[] = []
  /** For jobs that need more stack than a process has; started for the first of them. */
  #largeStack: Slot | undefined
  readonly #overflowed: JobPath[] = []
  /** Jobs in which a worker died that was already large, so that others may be the reason. */
  readonly #suspected = new Set<string>()
  #rootAttempts = 0
  #rootNeedsStack = false
  #failure: { readonly error: unknown } | undefined
  #lines: string[] = []
  readonly #progress = { done: 0, known: 1, derivations: 0, failed: 0, fatal: 0, restarts: 0 }

  constructor(request: JobsRequest, listeners: JobsListeners, signal: AbortSignal, settle: Settle) {
    this.#request = request
    this.#listeners = listeners
    this.#signal = signal
    this.#settle = settle
  }

  start(): void {
    if (this.#signal.aborted) {
      this.#settle.reject(interrupted())
      return
    }
    this.#signal.addEventListener('abort', () => this.#fail(interrupted()), { once: true })
    this.#queue.putBack([[]])
    for (let index = 0; index < this.#request.workers; index++) {
      const slot: Slot = { index, largeStack: false, worker: undefined, first: [] }
      this.#slots.push(slot)
      this.#startWorker(slot)
    }
  }

  #startWorker(slot: Slot): void {
    slot.worker = new WorkerHandle(
      { request: this.#request, largeStack: slot.largeStack || this.#rootNeedsStack },
      {
        onReady: () => this.#feed(),
        onReply: (path, reply) => this.#take(path, reply),
        onLook: () => this.#endLook(),
        onLog: (message) => this.#listeners.onLog(message),
        onRootFailure: (failure) => this.#takeRootFailure(failure),
        onEnd: (end) => this.#takeEnd(slot, end),
      },
    )
  }

  // --- handing out -------------------------------------------------------------------------------------------------

  #feed(): void {
    if (this.#failure !== undefined) return
    for (const slot of this.#workingSlots()) {
      const { worker } = slot
      if (!worker?.isReady) continue
      if (slot.first.length > 0) worker.send(slot.first.splice(0))
      const size = this.#batchSize(worker)
      if (worker.outstanding > size) continue
      const paths = slot.largeStack ? this.#overflowed.splice(0, 1) : this.#queue.take(slot.index, size)
      if (paths.length > 0) worker.send(paths)
    }
    if (this.#overflowed.length > 0 && this.#largeStack === undefined) {
      this.#largeStack = { index: this.#slots.length, largeStack: true, worker: undefined, first: [] }
      this.#startWorker(this.#largeStack)
    }
    if (this.#isDone()) for (const { worker } of this.#workingSlots()) worker?.finish()
  }

  #workingSlots(): readonly Slot[] {
    return this.#largeStack === undefined ? this.#slots : [...this.#slots, this.#largeStack]
  }

  /** The less is left, the smaller, so that all workers end at the same time. */
  #batchSize(worker: WorkerHandle): number {
    const { timePerJob } = worker
    const wanted = timePerJob === 0 ? 1 : Math.ceil(BATCH_MILLISECONDS / timePerJob)
    const share = Math.ceil(this.#queue.size / (4 * this.#request.workers))
    return Math.max(1, Math.min(BATCH_LIMIT, wanted, share))
  }

  #isDone(): boolean {
    return (
      this.#queue.size === 0 &&
      this.#overflowed.length === 0 &&
      this.#workingSlots().every((slot) => slot.first.length === 0 && (slot.worker?.outstanding ?? 0) === 0)
    )
  }

  // --- taking in ---------------------------------------------------------------------------------------------------

  #take(path: JobPath, reply: Reply): void {
    const progress = this.#progress
    if (reply.kind === 'overflow') {
      this.#overflowed.push(path)
      return
    }
    progress.done++
    switch (reply.kind) {
      case 'derivation':
        progress.derivations++
        this.#lines.push(reply.record)
        return
      case 'failed':
        this.#takeFailure(reply.record)
        return
      case 'set':
        progress.known += reply.names.length
        this.#queue.addSet(path, reply.names)
    }
  }

  #takeFailure(record: string): void {
    this.#progress.failed++
    this.#lines.push(record)
    this.#listeners.onFailure(record)
  }

  #endLook(): void {
    if (this.#failure !== undefined) return
    if (this.#lines.length > 0) {
      this.#listeners.onRecords(`${this.#lines.join('\n')}\n`)
      this.#lines = []
    }
    this.#listeners.onProgress(this.#progress)
    this.#feed()
  }

  #takeRootFailure(failure: RootFailure): void {
    if (failure.code === 'EVAL_STACK_OVERFLOW' && !this.#rootNeedsStack) {
      this.#rootNeedsStack = true
      return
    }
    const { report, code, message, hint } = failure
    this.#fail(
      report === undefined ? namedError({ ...failure, hint }) : new EvaluationFailure(code, message, report, hint),
    )
  }

  #takeEnd(slot: Slot, end: WorkerEnd): void {
    const isMeantForAll = end.kind === 'died' && ['SIGINT', 'SIGTERM', 'SIGHUP'].includes(end.signal ?? '')
    // Ctrl-C reaches the workers as well, and perhaps before us.
    if (isMeantForAll && this.#failure === undefined) setTimeout(() => this.#judge(slot, end), DOUBT_MILLISECONDS)
    else this.#judge(slot, end)
  }

  #judge(slot: Slot, end: WorkerEnd): void {
    slot.worker = undefined
    if (this.#failure === undefined) {
      this.#queue.putBack(end.lost)
      if (end.kind === 'replaced') this.#progress.restarts++
      else if (end.kind === 'died' && !end.wasReady) this.#judgeStart(end)
      else if (end.culprit !== undefined) this.#judgeDeath(slot, end, end.culprit)
      this.#endLook()
      if (!this.#isDone()) {
        if (!slot.largeStack || this.#overflowed.length > 0 || slot.first.length > 0) this.#startWorker(slot)
        else this.#largeStack = undefined
      }
    }
    if (this.#workingSlots().some(({ worker }) => worker !== undefined)) return
    if (this.#failure !== undefined) this.#settle.reject(this.#failure.error)
    else if (this.#isDone()) this.#settle.resolve(this.#progress)
  }

  #judgeStart(end: WorkerEnd): void {
    if (++this.#rootAttempts < ROOT_ATTEMPTS) return
    this.#fail(
      new UserError('WORKER_DIED', `the root of the set cannot be evaluated: ${causeOfDeath(end, this.#request)}`, {
        hint: 'give workers more memory with --max-memory-size, or start fewer with --workers',
      }),
    )
  }

  #judgeDeath(slot: Slot, end: WorkerEnd, culprit: JobPath): void {
    const key = JSON.stringify(culprit)
    if (end.memory > this.#request.maxMemory / 4 && !this.#suspected.has(key)) {
      this.#suspected.add(key)
      slot.first.push(culprit)
      return
    }
    this.#progress.done++
    this.#progress.fatal++
    this.#takeFailure(failureRecord(culprit, `error: ${causeOfDeath(end, this.#request)}`, true))
  }

  // --- failing -----------------------------------------------------------------------------------------------------

  /** Settles when no worker is left. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    for (const { worker } of this.#workingSlots()) worker?.kill('SIGTERM')
    setTimeout(() => {
      for (const { worker } of this.#workingSlots()) worker?.kill('SIGKILL')
    }, GRACE_MILLISECONDS).unref()
  }
}

function causeOfDeath({ signal, status, lastWords }: WorkerEnd, { maxMemory }: JobsRequest): string {
  if (status === OUT_OF_MEMORY || lastWords.includes('heap out of memory')) {
    return `evaluation worker ran out of memory: it needed more than ${maxMemory * 2} MiB`
  }
  switch (signal) {
    case 'SIGKILL':
      return 'evaluation worker got killed by SIGKILL, maybe memory limit reached?'
    case 'SIGSEGV':
      return 'evaluation worker got killed by SIGSEGV (possible infinite recursion)'
    case null:
      return `evaluation worker exited with ${status}${lastWords === '' ? '' : `: ${lastWords.trim()}`}`
    default:
      return `evaluation worker got killed by ${signal}`
  }
}

function interrupted(): UserError {
  return new UserError('INTERRUPTED', 'interrupted')
}
