import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JobPath } from './job-request.ts'
import type { RootFailure, WorkerFigures, WorkerSetup } from './protocol.ts'

/**
 * 64 MB of stack, as C++ Nix gives itself, or what the system allows; V8 must be told, and must not be told too much. A
 * worker that runs out of memory aborts: no core of it is wanted.
 */
const START = `ulimit -c 0
ulimit -Ss 65536 2>/dev/null || ulimit -Ss "$(ulimit -Hs)" 2>/dev/null
size=$(ulimit -Ss)
if [ "$size" = unlimited ] || [ "$size" -gt 65536 ]; then size=65536; fi
exec "$0" --stack-size=$((size / 8 * 7)) "$@"`

/** Between two looks at what a worker wrote: each look costs some 40 µs, and 35,000 jobs are done in seconds. */
const LOOK_MILLISECONDS = 10

export type Reply =
  | { readonly kind: 'derivation' | 'failed'; readonly record: string }
  | { readonly kind: 'set'; readonly names: readonly string[] }
  | { readonly kind: 'nothing' | 'overflow' }

export interface WorkerEvents {
  readonly onReady: () => void
  readonly onReply: (path: JobPath, reply: Reply) => void
  /** All replies of a look have been told. */
  readonly onLook: () => void
  readonly onLog: (message: string) => void
  readonly onRootFailure: (failure: RootFailure) => void
  readonly onEnd: (end: WorkerEnd) => void
}

export interface WorkerEnd {
  /** `finished`: it was told to end, or said why it cannot work. `replaced`: it wants another one to go on. */
  readonly kind: 'finished' | 'replaced' | 'died'
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly wasReady: boolean
  /** The job that it was in, and those that it did not reply to beside that. */
  readonly culprit: JobPath | undefined
  readonly lost: readonly JobPath[]
  /** Resident MiB before the last jobs. */
  readonly memory: number
  /** What V8 says when it dies. */
  readonly lastWords: string
}

/** A worker process, as its master sees it. */
export class WorkerHandle {
  readonly #child: ChildProcess
  readonly #events: WorkerEvents
  #outstanding: JobPath[] = []
  readonly #progress: number
  #replied = 0
  #rest = ''
  #lastWords = ''
  #ready = false
  #ending: 'finished' | 'replaced' | undefined
  #figures: WorkerFigures = { memory: 0, time: 0, jobs: 0 }
  #timePerJob = 0

  constructor(setup: WorkerSetup, events: WorkerEvents) {
    this.#events = events
    this.#progress = openUnnamedFile()
    this.#child = startProcess(setup, this.#progress)
    const { stdin, stdout, stderr } = this.#child
    stdout!.setEncoding('latin1').on('data', (text: string) => {
      stdout!.pause()
      setTimeout(() => stdout!.resume(), LOOK_MILLISECONDS)
      this.#look(text)
    })
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-4000)
    })
    // It may be gone already; its end tells.
    stdin!.on('error', () => {})
    this.#child.on('error', (error) => {
      this.#lastWords += error.message
    })
    this.#child.on('close', (status, signal) => events.onEnd(this.#end(status, signal)))
    this.#write(JSON.stringify(setup))
  }

  get isReady(): boolean {
    return this.#ready && this.#ending === undefined
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  /** Milliseconds; 0 as long as nothing is known. */
  get timePerJob(): number {
    return this.#timePerJob
  }

  send(paths: readonly JobPath[]): void {
    this.#outstanding.push(...paths)
    this.#write(JSON.stringify(paths))
  }

  /** Nothing is left to be done. */
  finish(): void {
    this.#ending ??= 'finished'
    if (this.#ready) this.#child.stdin!.end()
    else this.#child.kill('SIGTERM')
  }

  kill(signal: NodeJS.Signals): void {
    this.#ending ??= 'finished'
    this.#child.kill(signal)
  }

  #write(line: string): void {
    this.#child.stdin!.write(Buffer.from(`${line}\n`, 'latin1'))
  }

  #look(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#take(line[0]!, line.slice(1))
    this.#events.onLook()
  }

  #take(kind: string, text: string): void {
    switch (kind) {
      case '*':
        this.#ready = true
        this.#events.onReady()
        return
      case 'J':
        this.#reply({ kind: 'derivation', record: text })
        return
      case 'F':
        this.#reply({ kind: 'failed', record: text })
        return
      case 'A':
        this.#reply({ kind: 'set', names: JSON.parse(text) as string[] })
        return
      case 'N':
        this.#reply({ kind: 'nothing' })
        return
      case 'O':
        this.#reply({ kind: 'overflow' })
        return
      case 'M':
        this.#figures = JSON.parse(text) as WorkerFigures
        if (this.#figures.jobs > 0) this.#timePerJob = this.#figures.time / this.#figures.jobs
        return
      case 'L':
        this.#events.onLog(JSON.parse(text) as string)
        return
      case '!':
        this.#ending ??= 'finished'
        this.#events.onRootFailure(JSON.parse(text) as RootFailure)
        return
      case 'R':
        this.#ending ??= 'replaced'
        return
    }
    throw new Error(`a worker said '${kind}${text}'`)
  }

  #reply(reply: Reply): void {
    this.#replied++
    this.#events.onReply(this.#outstanding.shift()!, reply)
  }

  #end(status: number | null, signal: NodeJS.Signals | null): WorkerEnd {
    const done = new Uint32Array(1)
    readSync(this.#progress, done, 0, 4, 0)
    closeSync(this.#progress)
    // Those that are done and were not replied to are lost as well.
    const culprit = this.#ending === undefined ? this.#outstanding[done[0]! - this.#replied] : undefined
    return {
      kind: this.#ending ?? 'died',
      status,
      signal,
      wasReady: this.#ready,
      culprit,
      lost: this.#outstanding.filter((path) => path !== culprit),
      memory: this.#figures.memory,
      lastWords: this.#lastWords,
    }
  }
}

/** A file that goes with the last descriptor of it. */
function openUnnamedFile(): number {
  const name = join(tmpdir(), `baryon-jobs-${process.pid}-${Math.random().toString(36).slice(2, 10)}`)
  const descriptor = openSync(name, 'wx+', 0o600)
  rmSync(name)
  return descriptor
}

function startProcess({ request }: WorkerSetup, progress: number): ChildProcess {
  const { maxMemory, workers } = request
  // V8's own threads would take the processors from the other workers: 19 % of the time of two on two, 6,879 packages.
  const alone = ['--single-threaded-gc', '--invocation-count-for-turbofan=100000']
  const youngSize = Math.max(4, Math.min(64, Math.round(maxMemory / 16)))
  return spawn(
    '/bin/sh',
    [
      '-c',
      START,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      ...(workers >= availableParallelism() ? alone : []),
      // Measured on 6,879 packages: 64 is the best, and each mark-compact of a growing heap costs more than the last.
      `--max-semi-space-size=${youngSize}`,
      `--min-semi-space-size=${youngSize}`,
      `--initial-heap-size=${Math.min(2000, Math.round(maxMemory / 2))}`,
      // One job may need as much again as a worker may keep.
      `--max-old-space-size=${maxMemory * 2}`,
      fileURLToPath(new URL('./worker-process.ts', import.meta.url)),
    ],
    { stdio: ['pipe', 'pipe', 'pipe', progress] },
  )
}
