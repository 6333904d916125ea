import { UserError } from '@baryon/format'
import type { LogWriter } from './build-log.ts'
import type { RunningBuilder } from './sandbox/sandbox.ts'

export interface RunBuilderOptions {
  readonly log: LogWriter
  /** Complete lines as they come, some at a time. */
  readonly onLines: (lines: readonly string[]) => void
  readonly onPhase: (phase: string) => void
  /** Seconds; undefined for no limit. */
  readonly timeout: number | undefined
  /** Seconds without a byte of output. */
  readonly maxSilent: number | undefined
  readonly signal: AbortSignal | undefined
}

export interface BuilderOutcome {
  readonly status: number
  readonly setupFailed: boolean
  /** What ended it, when it was us. */
  readonly killed: 'timeout' | 'silent' | 'aborted' | undefined
  readonly logTail: readonly string[]
}

/** Lines of a failed build's log that are shown with the error. */
const TAIL_LINES = 25
/** A line is given out in pieces of this size: odd programs write megabytes without an end of line. */
const LINE_LIMIT = 64 * 1024

/** Waits for the builder's end, passes its output on, and kills it when a limit is reached. */
export async function runBuilder(running: RunningBuilder, options: RunBuilderOptions): Promise<BuilderOutcome> {
  let killed: BuilderOutcome['killed']
  const end = (reason: NonNullable<BuilderOutcome['killed']>) => {
    killed ??= reason
    running.kill()
  }
  const onAbort = () => end('aborted')
  const timers: NodeJS.Timeout[] = []
  let lastOutput = performance.now()
  if (options.timeout !== undefined) timers.push(setTimeout(end, options.timeout * 1000, 'timeout'))
  const { maxSilent } = options
  if (maxSilent !== undefined) {
    // One timer that looks at a time stamp: setting a timer for every chunk of output would be slower.
    const check = () => {
      const left = maxSilent * 1000 - (performance.now() - lastOutput)
      if (left <= 0) end('silent')
      else timers[timers.length - 1] = setTimeout(check, left + 1)
    }
    timers.push(setTimeout(check, maxSilent * 1000))
  }
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted === true) onAbort()

  const lines = createLineSplitter(options.onLines, options.onPhase)
  running.output.on('data', (chunk: Buffer) => {
    lastOutput = performance.now()
    lines.write(chunk)
    const full = options.log.write(chunk)
    if (full === undefined) return
    running.output.pause()
    void full.then(() => running.output.resume())
  })
  const { status, setupFailed } = await running.ended
  for (const timer of timers) clearTimeout(timer)
  options.signal?.removeEventListener('abort', onAbort)
  const logTail = lines.end()
  await options.log.close()
  // What cannot be executed is the builder's fault: bubblewrap does not tell it from its own failures otherwise.
  const notExecuted = logTail.at(-1)?.startsWith('bwrap: execvp ') === true
  return { status, setupFailed: setupFailed && !notExecuted && killed === undefined, killed, logTail }
}

export interface LineSplitter {
  write(chunk: Buffer): void
  /** Gives out an unfinished last line; returns the last lines of all. */
  end(): readonly string[]
}

/**
 * Splits output into lines, takes out the messages that builders send to `NIX_LOG_FD`
 * (`@nix {"action":"setPhase","phase":"buildPhase"}`), and remembers the last lines.
 */
export function createLineSplitter(
  onLines: (lines: readonly string[]) => void,
  onPhase: (phase: string) => void,
): LineSplitter {
  let pending: Buffer[] = []
  let pendingLength = 0
  let tail: string[] = []
  const give = (text: string) => {
    const lines: string[] = []
    for (const raw of text.split('\n')) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      if (line.startsWith('@nix {')) {
        const phase = phaseOf(line)
        if (phase !== undefined) onPhase(phase)
      } else {
        lines.push(line)
      }
    }
    if (lines.length === 0) return
    tail = [...tail, ...lines.slice(-TAIL_LINES)].slice(-TAIL_LINES)
    onLines(lines)
  }
  const flush = () => {
    const text = Buffer.concat(pending, pendingLength).toString('utf8')
    pending = []
    pendingLength = 0
    give(text)
  }
  return {
    write(chunk) {
      const last = chunk.lastIndexOf(10)
      if (last >= 0) {
        pending.push(chunk.subarray(0, last))
        pendingLength += last
        flush()
      }
      const rest = chunk.subarray(last + 1)
      if (rest.length > 0) {
        pending.push(rest)
        pendingLength += rest.length
        if (pendingLength > LINE_LIMIT) flush()
      }
    },
    end() {
      if (pendingLength > 0) flush()
      return tail
    },
  }
}

function phaseOf(line: string): string | undefined {
  try {
    const message: unknown = JSON.parse(line.slice('@nix '.length))
    if (typeof message !== 'object' || message === null || !('action' in message) || message.action !== 'setPhase')
      return undefined
    return 'phase' in message && typeof message.phase === 'string' ? message.phase : undefined
  } catch (error) {
    // A builder may print anything: what is not such a message is dropped, as Nix does.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The error for a sandbox that could not be set up. */
export function sandboxSetupError(tier: string, logTail: readonly string[]): UserError {
  return new UserError('SANDBOX_FAILED', `the sandbox (${tier}) could not be set up: ${logTail.join('; ')}`, {
    hint: 'try another tier with --sandbox, and see what `baryon doctor` says',
  })
}
