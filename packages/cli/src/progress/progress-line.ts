import type { Terminal } from '../terminal.ts'

export interface ProgressLine {
  /** The text is only made when it is shown. */
  show(text: () => string): void
  /** Removes the line. */
  close(): void
}

/** One line that is redrawn on a terminal ten times a second; elsewhere nothing but a line every ten seconds. */
export function createProgressLine(terminal: Terminal): ProgressLine {
  let last = Date.now()
  return {
    show: (text) => {
      const now = Date.now()
      if (now - last < (terminal.isLive ? 100 : 10_000)) return
      last = now
      terminal.err(terminal.isLive ? `\r\x1b[K${text()}` : `${text()}\n`)
    },
    close: () => {
      if (terminal.isLive) terminal.err('\r\x1b[K')
    },
  }
}
