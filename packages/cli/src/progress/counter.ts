import type { Terminal } from '../terminal.ts'
import { createProgressLine } from './progress-line.ts'

export interface Counter {
  show(done: number, total: number): void
  /** Removes the line. */
  close(): void
}

/** `checking 120 of 4800`, as a progress line. */
export function createCounter(terminal: Terminal, verb: string): Counter {
  const { show, close } = createProgressLine(terminal)
  return { show: (done, total) => show(() => `${verb} ${done} of ${total}`), close }
}
