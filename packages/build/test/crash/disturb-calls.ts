/** Operations with one of their system calls disturbed by strace: the caller is killed at it, or it fails. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Place } from './scenario.ts'
import type { Failure } from './victim.ts'

/** One call, by its name and its number among the calls of that name in a thread, counted from the start of the operation. */
export interface Call {
  readonly name: string
  readonly number: number
}

export const ERRORS = ['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EDQUOT'] as const

export type Disturbance = 'SIGKILL' | (typeof ERRORS)[number]

export type Outcome = { readonly kind: 'done' | 'died' } | { readonly kind: 'failed'; readonly failure: Failure }

/** A process that does operations of one scenario, started again when it has died. */
export class Victim {
  readonly #scenario: string
  readonly #directory: string
  readonly #aside: string
  #process: ChildProcess | undefined
  #lines: AsyncIterator<string> | undefined
  #reader: Interface | undefined

  /** `directory` is for what the victim needs itself; `aside` is that of the places where it will work. */
  constructor(scenario: string, directory: string, aside: string) {
    this.#scenario = scenario
    this.#directory = directory
    this.#aside = aside
  }

  /** The calls of an operation that change something below the root, or open something there. */
  async calls(place: Place, seed: number): Promise<Call[]> {
    const log = join(this.#directory, 'trace')
    const outcome = await this.#runTraced(['-y', '-o', log, '-e', `trace=${CALLS}`], place, seed)
    assert.deepEqual(outcome, { kind: 'done' })
    return callsOf(readFileSync(log, 'latin1'), place.root)
  }

  run(place: Place, seed: number, call: Call, disturbance: Disturbance): Promise<Outcome> {
    const effect = disturbance === 'SIGKILL' ? 'signal=SIGKILL' : `error=${disturbance}`
    const options = ['-o', '/dev/null', '-e', `trace=${call.name}`]
    return this.#runTraced([...options, '-e', `inject=${call.name}:${effect}:when=${call.number}`], place, seed)
  }

  async end(): Promise<void> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'close')
  }

  async #runTraced(options: readonly string[], place: Place, seed: number): Promise<Outcome> {
    const process = await this.#started()
    const tracer = spawn('strace', ['-f', ...options, '-p', String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ended = once(tracer, 'close')
    await attached(tracer)
    process.stdin!.write(`${place.root} ${place.aside} ${seed}\n`)
    const { value: answer, done } = await this.#lines!.next()
    // It lets go of a process that lives when it is asked to; of one that has just died it may wait for ever.
    tracer.kill(done === true ? 'SIGKILL' : 'SIGINT')
    await ended
    if (done === true) {
      this.#process = undefined
      return { kind: 'died' }
    }
    return answer === 'done' ? { kind: 'done' } : { kind: 'failed', failure: JSON.parse(answer) as Failure }
  }

  async #started(): Promise<ChildProcess> {
    if (this.#process !== undefined) return this.#process
    const root = mkdtempSync(`${this.#directory}/warm-`)
    const child = spawn(process.execPath, [join(import.meta.dirname, 'victim.ts'), this.#scenario, root, this.#aside], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'baryon-compile-cache') },
    })
    // It may be killed while a line is written to it.
    child.stdin!.on('error', () => undefined)
    this.#process = child
    this.#reader = createInterface({ input: child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
    const { value } = await this.#lines.next()
    assert.equal(value, 'done')
    return child
  }
}

/** Those that change a file system. A question mark: not every machine has it. */
const CALLS = [
  ...['openat', 'mkdir', 'rmdir', 'unlink', 'rename', 'link', 'symlink', 'chmod', 'lchown', 'fchmod', 'fchown'],
  ...['mkdirat', 'unlinkat', 'renameat', 'renameat2', 'linkat', 'symlinkat', 'fchmodat', 'fchownat', 'utimensat'],
  ...['fsync', 'fdatasync', 'ftruncate', 'fallocate', 'write', 'pwrite64', 'pwritev', 'copy_file_range'],
]
  .map((name) => `?${name}`)
  .join(',')

/** strace says so when it has stopped every thread once. */
function attached(tracer: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    tracer.stderr!.on('data', (chunk) => {
      text += String(chunk)
      if (text.includes('attached')) resolve()
    })
    tracer.once('close', () => reject(new Error(`strace: ${text}`)))
  })
}

function callsOf(log: string, root: string): Call[] {
  const counts = new Map<string, number>()
  const calls = new Map<string, Call>()
  for (const line of log.split('\n')) {
    const match = /^(\d+) +(\w+)\(/.exec(line)
    if (match === null) continue
    const [, thread, name] = match as unknown as [string, string, string]
    const key = `${thread} ${name}`
    const number = (counts.get(key) ?? 0) + 1
    counts.set(key, number)
    if (line.includes(root)) calls.set(`${name} ${number}`, { name, number })
  }
  return [...calls.values()]
}

/** Why no process can be traced here; false when one can. For the `skip` option of a test. */
export function whyNoTracing(): string | false {
  const { status } = spawnSync('strace', ['-o', '/dev/null', 'true'])
  if (status !== 0) return 'strace is not installed, or may trace nothing'
  const scope = '/proc/sys/kernel/yama/ptrace_scope'
  const restricted = existsSync(scope) && readFileSync(scope, 'latin1').trim() !== '0' && process.geteuid!() !== 0
  return restricted ? `${scope} lets processes trace their children only` : false
}
