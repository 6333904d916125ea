/** Locks on store paths that are being produced, between processes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type StorePath, storePathBaseName } from '@baryon/format'
import type { LockDirectory, LockFile } from './lock-file.ts'

export interface PathLock {
  /** May be called again. When the process dies, the kernel releases the lock. */
  release(): void
}

export interface LockOptions {
  readonly signal?: AbortSignal
  /** Called once, with a path that somebody else holds, before waiting begins. */
  readonly onWait?: (path: StorePath) => void
}

/** Takes the locks of all paths, waiting for holders in this or other processes. Paths are taken in one order: no deadlock. */
export async function lockPaths(
  locks: LockDirectory,
  paths: readonly StorePath[],
  options: LockOptions = {},
): Promise<PathLock> {
  const byName = new Map(paths.map((path) => [storePathBaseName(path), path]))
  const held: LockFile[] = []
  const release = () => releaseAll(held.splice(0))
  let told = false
  try {
    for (const name of [...byName.keys()].sort()) {
      for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
        options.signal?.throwIfAborted()
        const lock = locks.tryLock(name)
        if (lock !== undefined) {
          held.push(lock)
          break
        }
        if (!told) options.onWait?.(byName.get(name)!)
        told = true
        await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal })
      }
    }
    return { release }
  } catch (error) {
    release()
    throw error
  }
}

/** The locks, when nobody holds any of them. */
export function tryLockPaths(locks: LockDirectory, paths: readonly StorePath[]): PathLock | undefined {
  const held: LockFile[] = []
  const release = () => releaseAll(held.splice(0))
  for (const name of [...new Set(paths.map(storePathBaseName))].sort()) {
    const lock = locks.tryLock(name)
    if (lock === undefined) {
      release()
      return undefined
    }
    held.push(lock)
  }
  return { release }
}

/** All of them, also when one makes trouble. */
function releaseAll([first, ...others]: readonly LockFile[]): void {
  try {
    first?.release()
  } finally {
    if (others.length > 0) releaseAll(others)
  }
}
