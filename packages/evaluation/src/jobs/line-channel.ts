import { readSync, writeSync } from 'node:fs'
import { isSystemError } from '@baryon/format'

/** Lines of bytes from standard input and to standard output, without ever returning to the event loop. */
export class LineChannel {
  readonly #chunk = Buffer.allocUnsafe(65_536)
  #rest = ''

  /** The next line, or undefined at the end. */
  read(): string | undefined {
    for (;;) {
      const end = this.#rest.indexOf('\n')
      if (end >= 0) {
        const line = this.#rest.slice(0, end)
        this.#rest = this.#rest.slice(end + 1)
        return line
      }
      const size = retried(() => readSync(0, this.#chunk))
      if (size === 0) return undefined
      this.#rest += this.#chunk.toString('latin1', 0, size)
    }
  }

  /** Writes complete lines. A master that went away ends the process. */
  write(lines: string): void {
    const bytes = Buffer.from(lines, 'latin1')
    for (let at = 0; at < bytes.length; ) {
      try {
        at += retried(() => writeSync(1, bytes, at))
      } catch (error) {
        if (isSystemError(error, 'EPIPE')) process.exit(1)
        throw error
      }
    }
  }
}

/** A descriptor that somebody else has made non-blocking is waited for. */
function retried(action: () => number): number {
  for (;;) {
    try {
      return action()
    } catch (error) {
      if (isSystemError(error, 'EOF')) return 0
      if (!isSystemError(error, 'EAGAIN')) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
