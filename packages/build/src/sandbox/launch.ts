import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { startCommand } from './command-starter.ts'
import { HOST_PATH } from './host-program.ts'
import { type OutputPipe, takeOutputPipe } from './output-pipe.ts'
import { signalProcess } from './processes.ts'
import type { BuilderEnd, RunningBuilder } from './sandbox.ts'
import { shellCommand } from './shell-quote.ts'

export interface LaunchOptions {
  /** Directory for the launcher's own small files. */
  readonly directory: string
  /** Environment of the command, byte strings; nothing of ours is inherited. */
  readonly env: Iterable<readonly [string, string]>
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
 * Starts a command in a session of its own with both output streams on one pipe. A script does the exec, because Node can
 * pass only UTF-8 as arguments and environment.
 */
export async function launch(command: readonly string[], options: LaunchOptions): Promise<RunningBuilder> {
  const script = `${options.directory}/launch`
  const env = Array.from(options.env, ([name, value]) => `${name}=${value}`)
  writeFileSync(script, `exec ${shellCommand(['env', '-i', ...env, ...command])}\n`, {
    encoding: 'latin1',
    mode: 0o600,
  })
  const pipe = await takeOutputPipe(options.directory)
  const child = spawn('/bin/sh', [script], {
    detached: true,
    cwd: options.workingDirectory ?? options.directory,
    // Found by name: env, and what the command line of the tier names. Its own environment is given by the script.
    env: { PATH: HOST_PATH },
    stdio: ['ignore', pipe.write, pipe.write],
  })
  return new LaunchedProcess(spawnedProcess(child, options), pipe, options.setupFailed)
}

/**
 * The same by the shell that is always there, which is several times cheaper: for a command that dies with its parent,
 * keeps its descendants together and needs no environment. `commandLine` is one of the shell, a byte string.
 */
export async function launchByStarter(
  commandLine: string,
  options: Pick<LaunchOptions, 'directory' | 'setupFailed'>,
): Promise<RunningBuilder> {
  const pipe = await takeOutputPipe(options.directory)
  const { exited, kill } = startCommand(commandLine, pipe.path)
  return new LaunchedProcess({ exited, kill, sweep: () => {} }, pipe, options.setupFailed)
}

interface LaunchableProcess {
  /** Settles with its status as a shell says it. */
  readonly exited: Promise<number>
  kill(): void
  /** Ends what it left running. */
  sweep(): Promise<void> | void
}

function spawnedProcess(child: ChildProcess, options: LaunchOptions): LaunchableProcess {
  const { pid } = child
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127))
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + (SIGNALS[signal] ?? 0)))
  })
  if (pid !== undefined) options.onStart?.(pid)
  return {
    exited,
    kill: () => {
      if (pid === undefined) return
      if (options.kill !== undefined) options.kill(pid)
      else signalProcess(-pid, 'SIGKILL')
    },
    sweep: async () => {
      if (pid === undefined) return
      signalProcess(-pid, 'SIGKILL')
      await options.sweep?.(pid)
    },
  }
}

/** How long output may stay open after everything is dead: somebody outside holds it. */
const DRAIN_LIMIT_MS = 3000

class LaunchedProcess implements RunningBuilder {
  readonly output: Readable
  readonly ended: Promise<BuilderEnd>
  readonly #process: LaunchableProcess
  #alive = true
  #killed = false

  constructor(process: LaunchableProcess, pipe: OutputPipe, setupFailed: LaunchOptions['setupFailed']) {
    this.#process = process
    this.output = new Socket({ fd: pipe.read, readable: true, writable: false })
    this.output.on('error', () => {})
    this.ended = process.exited.then(async (status) => {
      this.#alive = false
      // Ours is closed only now: before the process has opened its own, the reader would see the end at once.
      closeSync(pipe.write)
      await process.sweep()
      await this.#drained()
      pipe.release(this.output.readableEnded)
      // proot ends well when it was told to end.
      return {
        status: this.#killed && status === 0 ? 128 + SIGNALS.SIGKILL! : status,
        setupFailed: setupFailed?.(status) ?? false,
      }
    })
  }

  kill(): void {
    if (!this.#alive) return
    this.#killed = true
    this.#process.kill()
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
