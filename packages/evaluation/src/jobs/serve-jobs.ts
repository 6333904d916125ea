import { existsSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { userCacheDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import { StackOverflowError, typedError } from '@baryon/language'
import { tuneForEvaluation } from '../engine-flags.ts'
import { LARGE_STACK_DEPTH } from '../large-stack.ts'
import { type EvaluationJob, failureOf } from '../run-evaluation.ts'
import { JobEvaluator } from './job-evaluator.ts'
import type { JobPath } from './job-request.ts'
import type { LineChannel } from './line-channel.ts'
import {
  failureRecord,
  type JobReply,
  PROGRESS_DESCRIPTOR,
  type RootFailure,
  replyLine,
  type WorkerFigures,
  type WorkerSetup,
} from './protocol.ts'

/** Replies are held back for so long at most, so that the store is asked to register many derivations at once. */
const HELD_MILLISECONDS = 200
/** A job that takes longer may have needed memory; of shorter ones it is asked now and then, which costs 15 µs. */
const LONG_JOB_MILLISECONDS = 5
const SHORT_JOBS = 16

/** What a worker does until its master closes the channel. */
export function serveJobs(setup: WorkerSetup, channel: LineChannel): void {
  tuneForEvaluation(true, true)
  const job = evaluationJob(setup)
  let evaluator: JobEvaluator
  try {
    evaluator = new JobEvaluator(job, setup.request, (message) => channel.write(`L${JSON.stringify(message)}\n`))
  } catch (thrown) {
    channel.write(`!${JSON.stringify(rootFailure(thrown, job))}\n`)
    return
  }
  try {
    new Server(setup, channel, evaluator).serve()
  } finally {
    evaluator.resources.close()
  }
}

class Server {
  readonly #setup: WorkerSetup
  readonly #channel: LineChannel
  readonly #evaluator: JobEvaluator
  #held: { readonly path: JobPath; readonly reply: JobReply }[] = []
  #flushed = performance.now()
  #sinceMeasured = 0
  #working = 0
  readonly #done = new Uint32Array(1)

  constructor(setup: WorkerSetup, channel: LineChannel, evaluator: JobEvaluator) {
    this.#setup = setup
    this.#channel = channel
    this.#evaluator = evaluator
  }

  serve(): void {
    this.#channel.write('*\n')
    for (let line = this.#channel.read(); line !== undefined; line = this.#channel.read()) {
      for (const path of JSON.parse(line) as JobPath[]) {
        if (!this.#serveJob(path)) {
          this.#flush()
          this.#channel.write('R\n')
          return
        }
      }
      this.#flush()
    }
  }

  /** False when another worker must go on. */
  #serveJob(path: JobPath): boolean {
    const start = performance.now()
    let reply = this.#evaluator.evaluate(path)
    const overflow = reply.kind === 'overflow'
    if (overflow && this.#setup.largeStack) {
      reply = { kind: 'failed', record: failureRecord(path, `error: ${new StackOverflowError().message}`, false) }
    }
    this.#held.push({ path, reply })
    this.#done[0]!++
    writeSync(PROGRESS_DESCRIPTOR, this.#done, 0, 4, 0)
    // An overflow can have left anything half done.
    if (overflow) return false
    const now = performance.now()
    this.#working += now - start
    if (now - this.#flushed > HELD_MILLISECONDS) this.#flush()
    if (now - start < LONG_JOB_MILLISECONDS && ++this.#sinceMeasured < SHORT_JOBS) return true
    this.#sinceMeasured = 0
    return residentMemory() <= this.#setup.request.maxMemory
  }

  #flush(): void {
    const held = this.#held
    this.#held = []
    const replies = this.#register(held)
    const figures: WorkerFigures = { memory: residentMemory(), time: this.#working, jobs: replies.length }
    this.#working = 0
    this.#channel.write(`${[...replies.map(replyLine), `M${JSON.stringify(figures)}`].join('\n')}\n`)
    this.#flushed = performance.now()
  }

  /** Derivations that cannot be registered are jobs that failed. */
  #register(held: readonly { readonly path: JobPath; readonly reply: JobReply }[]): readonly JobReply[] {
    try {
      this.#evaluator.resources.io.finish()
      for (const { reply } of held) if (reply.kind === 'derivation') this.#keep(reply.drvPath)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return held.map(({ path, reply }) =>
        reply.kind === 'derivation'
          ? { kind: 'failed', record: failureRecord(path, `error: ${error.message}`, false) }
          : reply,
      )
    }
    return held.map(({ reply }) => reply)
  }

  #keep(drvPath: string): void {
    const { store } = this.#evaluator.resources
    const directory = this.#setup.request.rootDirectory
    if (directory === undefined || store === undefined) return
    const link = join(directory, basename(drvPath))
    if (!existsSync(link)) store.addPermanentRoot(link, store.parse(drvPath))
  }
}

function evaluationJob({ request, largeStack }: WorkerSetup): EvaluationJob {
  const { evaluation } = request
  return {
    request: {
      ...evaluation,
      output: 'derivations',
      environment: process.env,
      workingDirectory: evaluation.workingDirectory ?? process.cwd(),
    },
    cacheDirectory: evaluation.cacheDirectory === undefined ? userCacheDirectory() : evaluation.cacheDirectory,
    recording: false,
    ...(largeStack ? { stackDepth: LARGE_STACK_DEPTH } : {}),
  }
}

function rootFailure(thrown: unknown, job: EvaluationJob): RootFailure {
  const error = typedError(thrown)
  if (error instanceof UserError) return failureOf(error, job)
  throw error
}

/** MiB. */
function residentMemory(): number {
  return Math.round(process.memoryUsage.rss() / 1_048_576)
}
