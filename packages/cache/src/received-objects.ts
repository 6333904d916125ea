/**
 * Objects of a CVMFS repository on their way into a store:
 *
 *     ROOT/…/var/baryon/fetched/0/02/a7fab06f3e53c1e11f3e4fdd2bf8153c5b4df8     verified, unpacked
 *     ROOT/…/var/baryon/fetched/0.lock                                          held by the process that uses them
 *
 * They stay until their path is in the store, so that whoever was interrupted goes on with what had come.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Entry, type ObjectSource, openObjectCache, type Piece } from '@baryon/cvmfs'
import { makeDirectories } from '@baryon/files'
import { type LockDirectory, type LockFile, openLockDirectory } from '@baryon/store'
import { createLimit } from './limit.ts'

export interface ReceivedObjects {
  forPath(signal: AbortSignal): PathObjects
  /** Removes everything when all paths are done. */
  close(isDone: boolean): void
}

/** What one path needs; several paths may need the same. */
export interface PathObjects {
  /** A local file with the bytes of a piece. */
  fetch(entry: Entry, piece: Piece): Promise<string>
  /** Waits for what is on its way; removes what nobody else needs, if the path is done. */
  finish(isDone: boolean): Promise<void>
}

export function openReceivedObjects(source: ObjectSource, ownDirectory: string): ReceivedObjects {
  const base = join(ownDirectory, 'fetched')
  makeDirectories(base)
  const locks = openLockDirectory(base)
  const { lock, directory } = takeSlot(locks, base)
  removeAbandoned(locks, base, directory)
  const cache = openObjectCache(directory)
  const limit = createLimit(AT_ONCE)
  const users = new Map<string, number>()
  return {
    forPath(signal) {
      const wanted = new Map<string, Promise<string>>()
      return {
        fetch(entry, { hash, kind, size }) {
          const { isCompressed } = entry
          const key = `${hash.algorithm} ${hash.hex} ${kind} ${isCompressed}`
          let file = wanted.get(key)
          if (file === undefined) {
            users.set(key, (users.get(key) ?? 0) + 1)
            file = limit(() => cache.fetch(source, { hash, kind, isCompressed, size }, signal))
            wanted.set(key, file)
          }
          return file
        },
        async finish(isDone) {
          const results = await Promise.allSettled(wanted.values())
          for (const [index, key] of [...wanted.keys()].entries()) {
            const left = users.get(key)! - 1
            users.set(key, left)
            const result = results[index]!
            if (isDone && left === 0 && result.status === 'fulfilled') rmSync(result.value, { force: true })
          }
        },
      }
    },
    close(isDone) {
      if (isDone) rmSync(directory, { recursive: true, force: true })
      lock.release()
      locks.close()
    },
  }
}

const AT_ONCE = 16

/** The first one that no other process uses. */
function takeSlot(locks: LockDirectory, base: string): { readonly lock: LockFile; readonly directory: string } {
  for (let slot = 0; ; slot++) {
    const lock = locks.tryLock(String(slot))
    if (lock !== undefined) return { lock, directory: join(base, String(slot)) }
  }
}

/** What was left while several were at work: only the first slot is sure to be used again. */
function removeAbandoned(locks: LockDirectory, base: string, own: string): void {
  for (const name of readdirSync(base)) {
    const directory = join(base, name)
    if (!/^[1-9]\d*$/.test(name) || directory === own) continue
    const lock = locks.tryLock(name)
    if (lock === undefined) continue
    rmSync(directory, { recursive: true, force: true })
    lock.release()
  }
}
