/** The two streams of a command and what they can show. */
import { writeSync } from 'node:fs'
import { withoutEscapes } from './escape-sequences.ts'

export interface Terminal {
  /** Text for standard output. A reader that went away (`| head`) ends the process quietly. */
  out(text: string | Uint8Array): void
  /** Text for standard error. */
  err(text: string): void
  errBytes(bytes: Uint8Array): void
  /** What others wrote (text, or bytes of one), as standard error may show it. */
  foreign(text: string): string
  /** Whether the progress display may move the cursor. */
  readonly isLive: boolean
  readonly outPaint: Paint
  readonly errPaint: Paint
  width(): number
}

/** Colours that are the identity where there is no colour. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

export function createTerminal(environment: NodeJS.ProcessEnv = process.env): Terminal {
  // Node makes a stream of a descriptor when it is first looked at, which takes long and few commands need.
  return {
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
    errBytes: (bytes) => writeAll(2, bytes),
    foreign: (text) => withoutEscapes(text, hasColour(process.stderr.isTTY === true, environment)),
    get isLive() {
      return process.stderr.isTTY === true && environment.TERM !== 'dumb'
    },
    get outPaint() {
      return paint(hasColour(process.stdout.isTTY === true, environment))
    },
    get errPaint() {
      return paint(hasColour(process.stderr.isTTY === true, environment))
    },
    width: () => process.stderr.columns ?? 80,
  }
}

export function paint(enabled: boolean): Paint {
  const code = (number: number) => (text: string) => (enabled ? `\x1b[${number}m${text}\x1b[0m` : text)
  return { bold: code(1), dim: code(2), red: code(31), green: code(32), yellow: code(33), cyan: code(36) }
}

function hasColour(isTerminal: boolean, environment: NodeJS.ProcessEnv): boolean {
  // https://no-color.org and its opposite.
  if (environment.NO_COLOR) return false
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true
  return isTerminal && environment.TERM !== 'dumb'
}

/**
 * Writes everything before it returns: a pipe made non-blocking by somebody else answers EAGAIN until its reader
 * catches up, and output must not be lost when the process ends right after.
 */
function writeAll(descriptor: number, text: string | Uint8Array): void {
  let bytes: Uint8Array = typeof text === 'string' ? Buffer.from(text) : text
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EPIPE') process.exit(descriptor === 1 ? 0 : 1)
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
