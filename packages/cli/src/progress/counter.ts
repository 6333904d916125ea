import type { Terminal } from '../terminal.ts'

export interface Counter {
  show(done: number, total: number): void
  /** Removes the line. */
  close(): void
}

/** `checking 120 of 4800`, redrawn on a terminal ten times a second; elsewhere nothing but a line every ten seconds. */
export function createCounter(terminal: Terminal, verb: string): Counter {
  let last = Date.now()
  return {
    show: (done, total) => {
      const now = Date.now()
      if (now - last < (terminal.isLive ? 100 : 10_000)) return
      last = now
      terminal.err(terminal.isLive ? `\r\x1b[K${verb} ${done} of ${total}` : `${verb} ${done} of ${total}\n`)
    },
    close: () => {
      if (terminal.isLive) terminal.err('\r\x1b[K')
    },
  }
}
