import { pause } from './pause.ts'

/**
 * Opens a database again for ten minutes while SQLite says that it is busy; the last attempt may itself wait as long.
 *
 * SQLite does not wait for a lock where two that wait could wait for each other, whatever its timeout: so it is for processes
 * that turn a new database into one with a log at the same time. What an opening does may be done again.
 */
export function retryWhileBusy<T>(open: () => T): T {
  const end = performance.now() + LOCK_TIMEOUT
  for (;;) {
    try {
      return open()
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error
      pause(5 + 20 * Math.random())
    }
  }
}

/** SQLite's result code, without what it is about. */
export const BUSY = 5
/** How long a process waits for others, in milliseconds. */
export const LOCK_TIMEOUT = 10 * 60 * 1000

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return (Number(error.errcode) & 0xff) === BUSY
  return isBusy(error.cause)
}
