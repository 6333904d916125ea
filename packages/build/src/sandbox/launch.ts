import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { UserError } from '@baryon/format'
import type { BuilderEnd, RunningBuilder } from './sandbox.ts'
import { shellCommand } from './shell-quote.ts'

export interface LaunchOptions {
  /** Directory for the launcher's own small files. */
  readonly directory: string
  /** Environment of the command, byte strings; nothing of ours is inherited. */
  readonly env: Iterable<readonly [string, string]>
  /** Text of a file that the command finds open as descriptor 3. */
  readonly descriptor3?: string
  /** A file that the command finds open for writing as descriptor 4 (needs `descriptor3`). */
  readonly descriptor4Path?: string
  readonly workingDirectory?: string
  /** Called once with the process id of the command. */
  readonly onStart?: (pid: number) => void
  /** Ends what the process group does not hold; awaited before `ended` settles, with the pid of the command. */
  readonly sweep?: (pid: number) => Promise<void>
  /** Ends the command; by default SIGKILL to its process group. */
  readonly kill?: (pid: number) => void
  /** Decides whether the end was one of the set-up. */
  readonly setupFailed?: (status: number) => boolean
}

/**
 * Starts a command in a session of its own with both output streams on one pipe.
 *
 * A script does the exec, because Node can pass only UTF-8 as arguments and environment. The pipe is a FIFO, because the
 * "pipes" of Node are sockets, and a builder that writes to `/dev/stderr` cannot open a socket.
 */
export async function launch(command: readonly string[], options: LaunchOptions): Promise<RunningBuilder> {
  const script = `${options.directory}/launch`
  const env = Array.from(options.env, ([name, value]) => `${name}=${value}`)
  writeFileSync(script, `exec ${shellCommand(['env', '-i', ...env, ...command])}\n`, {
    encoding: 'latin1',
    mode: 0o600,
  })
  const stdio: (number | 'ignore')[] = ['ignore']
  const pipe = await makePipe(`${options.directory}/output`)
  let child: ChildProcess
  try {
    stdio.push(pipe.write, pipe.write)
    if (options.descriptor3 !== undefined) {
      const path = `${options.directory}/descriptor3`
      writeFileSync(path, options.descriptor3, { encoding: 'latin1', mode: 0o600 })
      stdio.push(openSync(path, constants.O_RDONLY))
      if (options.descriptor4Path !== undefined) stdio.push(openSync(options.descriptor4Path, 'w', 0o600))
    }
    child = spawn('/bin/sh', [script], {
      detached: true,
      cwd: options.workingDirectory ?? options.directory,
      // Found by name: env, and what the command line of the tier names. Its own environment is given by the script.
      env: { PATH: HOST_PATH },
      stdio,
    })
  } finally {
    closeSync(pipe.write)
    for (const descriptor of stdio.slice(3)) closeSync(descriptor as number)
  }
  const output = new Socket({ fd: pipe.read, readable: true, writable: false })
  return new LaunchedProcess(child, output, options)
}

/** Where programs of the host are looked for; administrators' tools are not in everybody's PATH. */
export const HOST_PATH = [
  ...new Set([
    ...(process.env.PATH ?? '').split(':').filter((part) => part.startsWith('/')),
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
  ]),
].join(':')

/** How long output may stay open after everything is dead: somebody outside holds it. */
const DRAIN_LIMIT_MS = 3000

class LaunchedProcess implements RunningBuilder {
  readonly output: Readable
  readonly ended: Promise<BuilderEnd>
  readonly #child: ChildProcess
  readonly #options: LaunchOptions
  #alive = true
  #killed = false

  constructor(child: ChildProcess, output: Readable, options: LaunchOptions) {
    this.#child = child
    this.#options = options
    this.output = output
    output.on('error', () => {})
    const exited = new Promise<number>((resolve) => {
      child.once('error', () => resolve(127))
      child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + (SIGNALS[signal] ?? 0)))
    })
    if (child.pid !== undefined) options.onStart?.(child.pid)
    this.ended = exited.then(async (status) => {
      this.#alive = false
      const pid = child.pid
      if (pid !== undefined) {
        signalGroup(pid, 'SIGKILL')
        await options.sweep?.(pid)
      }
      await this.#drained()
      // proot ends well when it was told to end.
      return {
        status: this.#killed && status === 0 ? 128 + SIGNALS.SIGKILL! : status,
        setupFailed: options.setupFailed?.(status) ?? false,
      }
    })
  }

  kill(): void {
    const pid = this.#child.pid
    if (!this.#alive || pid === undefined) return
    this.#killed = true
    if (this.#options.kill !== undefined) this.#options.kill(pid)
    else signalGroup(pid, 'SIGKILL')
  }

  #drained(): Promise<void> {
    if (this.output.readableEnded || this.output.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      const limit = setTimeout(() => this.output.destroy(), DRAIN_LIMIT_MS)
      this.output.once('close', () => {
        clearTimeout(limit)
        resolve()
      })
    })
  }
}

/** Signals a process group that may be gone already. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: it is gone. EPERM: only zombies are left.
  }
}

async function makePipe(path: string): Promise<{ readonly read: number; readonly write: number }> {
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    const child = spawn('mkfifo', ['-m', '600', path], { stdio: 'ignore', env: { PATH: HOST_PATH } })
    child.once('error', (cause) => reject(noPipe(path, cause)))
    child.once('exit', (code) => (code === 0 ? resolve() : reject(noPipe(path, undefined))))
  })
  // Without O_NONBLOCK, opening to read would wait for a writer.
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const write = openSync(path, constants.O_WRONLY)
  rmSync(path)
  return { read, write }
}

function noPipe(path: string, cause: unknown): UserError {
  return new UserError('PIPE_FAILED', `cannot make a pipe at '${path}'`, {
    hint: 'the program mkfifo (coreutils) must be there, and the file system must allow pipes: choose another root',
    cause,
  })
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}
