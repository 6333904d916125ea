/**
 * Locks between processes that the kernel releases when the holder dies, however it dies.
 *
 * Node has no flock. A lock is an empty SQLite database in an exclusive transaction: SQLite holds a POSIX lock on it and,
 * unlike bare POSIX locks, tells holders within one process (and its workers) apart. Nothing may open such a file by
 * other means: closing any descriptor of it would drop the process's locks on it.
 *
 * Lock files are made and removed only under the *mutex* of their directory, or one process could lock a file
 * that another one has just unlinked.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDirectories } from '@baryon/files'
import { UserError } from '@baryon/format'
import { pause } from './pause.ts'
import { asDatabaseError } from './schema.ts'
import { withCodedErrors } from './system-error.ts'

export interface LockFile {
  /** Gives the lock up and removes its file, if the disk allows that. May be called again. */
  release(): void
}

export interface LockDirectory {
  /** Takes the lock of that name, or gives undefined when somebody (this process included) holds it. */
  tryLock(name: string): LockFile | undefined
  /** True when somebody holds the lock. Cleans up after a holder that died. */
  isLocked(name: string): boolean
  /** Like `tryLock`, but blocks the whole process up to so many milliseconds; then throws `LOCK_TIMEOUT`. */
  lock(name: string, timeout: number): LockFile
  /** Removes the files of locks that nobody holds. */
  sweep(): void
  close(): void
}

export function openLockDirectory(directory: string): LockDirectory {
  makeDirectories(directory)
  const mutexFile = join(directory, MUTEX)
  let mutex: DatabaseSync | undefined
  const underMutex = <T>(work: () => T): T => {
    try {
      mutex ??= new DatabaseSync(mutexFile, { timeout: MUTEX_TIMEOUT })
      mutex.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      throw asDatabaseError(error, mutexFile)
    }
    try {
      return withCodedErrors(directory, work)
    } finally {
      try {
        mutex.exec('ROLLBACK')
      } catch {
        // A disk that fails: closing gives the mutex up as well, and the next call opens it again.
        mutex.close()
        mutex = undefined
      }
    }
  }
  const fileOf = (name: string) => join(directory, `${name}.lock`)
  const tryLock = (name: string): LockFile | undefined => {
    const file = fileOf(name)
    const held = underMutex(() => acquire(file))
    if (held === undefined) return undefined
    let released = false
    const giveUp = () => {
      if (!released) held.close()
      released = true
    }
    return {
      release: () => {
        if (released) return
        try {
          underMutex(() => {
            rmSync(file, { force: true })
            giveUp()
          })
        } catch (error) {
          // On a disk that is full or fails the file stays, for the next sweep: what went wrong before counts more.
          if (!(error instanceof UserError)) throw error
        } finally {
          // Nobody may have to wait until our process ends.
          giveUp()
        }
      },
    }
  }
  return {
    tryLock,
    isLocked: (name) => {
      if (!existsSync(fileOf(name))) return false
      const lock = tryLock(name)
      lock?.release()
      return lock === undefined
    },
    lock: (name, timeout) => {
      // Not the clock on the wall, which may be set.
      const end = performance.now() + timeout
      for (let delay = 1; ; delay = Math.min(delay * 2, 50)) {
        const lock = tryLock(name)
        if (lock !== undefined) return lock
        if (performance.now() > end) {
          throw new UserError('LOCK_TIMEOUT', `the lock '${fileOf(name)}' is held by another process`, {
            hint: 'wait until it has finished',
          })
        }
        pause(delay)
      }
    },
    sweep: () => {
      for (const entry of readdirSync(directory)) {
        if (entry.endsWith('.lock')) tryLock(entry.slice(0, -'.lock'.length))?.release()
      }
    },
    close: () => {
      mutex?.close()
      mutex = undefined
    },
  }
}

const MUTEX = 'mutex'
const MUTEX_TIMEOUT = 60_000

function acquire(file: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return undefined
    throw asDatabaseError(error, file)
  }
}
