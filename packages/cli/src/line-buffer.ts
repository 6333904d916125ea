/** Lines of a log, written together: a system call for each would cost a busy server a tenth of its time. */

export interface LineBuffer {
  /** The line end is added. */
  write(line: string): void
  /** Writes what is left. */
  close(): void
}

export function createLineBuffer(sink: (text: string) => void): LineBuffer {
  let held = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const text = held
    held = ''
    if (text !== '') sink(text)
  }
  return {
    write: (line) => {
      held += `${line}\n`
      if (held.length > MOST) flush()
      else timer ??= setTimeout(flush, DELAY)
    },
    close: flush,
  }
}

const MOST = 32_768
/** Milliseconds: for whoever watches, the same as at once. */
const DELAY = 50
