/**
 * Temporary roots: what a running process still needs, in `temproots/PID` as Nix writes it (full paths, each ended by NUL).
 *
 * A collector and the processes that add paths never wait for each other for long:
 *
 * - A process appends its root, *then* looks whether a collection runs, *then* asks whether the path is valid. During a
 *   collection of ours it first passes through an empty write transaction, so that a deletion that did not see the root
 *   is over, and visible, before the question.
 * - The collector deletes in write transactions, each of which reads the roots again: the temporary ones first, then
 *   those which may have taken over from them, processes and links.
 *
 * The file is alive while a lock of ours named `process-NAME` is held. It is locked with flock as well, which is all that
 * Nix looks at, and a collection by Nix (it holds flock on `gc.lock`) is waited for.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { flockDescriptor } from './flock.ts'
import type { LockDirectory, LockFile } from './lock-file.ts'
import { pause } from './pause.ts'

/** Name of the lock that a collector holds. */
export const COLLECTOR_LOCK = 'gc'

export interface TempRoots {
  /** Protects the paths (full texts) until `close`, or until this process ends. */
  add(paths: readonly string[]): void
  close(): void
}

/** `barrier` passes through an empty write transaction. Nothing is created before the first root. */
export function createTempRoots(stateDirectory: string, locks: LockDirectory, barrier: () => void): TempRoots {
  const known = new Set<string>()
  let file: RootsFile | undefined
  let quietSince = ''
  return {
    add: (paths) => {
      const fresh = paths.filter((path) => !known.has(path))
      if (fresh.length === 0) return
      file ??= createRootsFile(stateDirectory, locks)
      const bytes = Buffer.from(fresh.map((path) => `${path}\0`).join(''), 'latin1')
      for (let written = 0; written < bytes.length; ) written += writeSync(file.fd, bytes, written)
      const isOurs = () => locks.isLocked(COLLECTOR_LOCK)
      if (!isOurs()) quietSince = waitForNix(stateDirectory, quietSince, isOurs)
      if (isOurs()) barrier()
      for (const path of fresh) known.add(path)
    },
    close: () => {
      if (file === undefined) return
      const { path, fd, lock } = file
      file = undefined
      known.clear()
      try {
        // A collection by Nix reads links and processes first, temporary roots last: it may have missed what took over from ours.
        const isOurs = () => locks.isLocked(COLLECTOR_LOCK)
        if (!isOurs()) waitForNix(stateDirectory, quietSince, isOurs, NIX_READING_TIME)
        rmSync(path, { force: true })
      } finally {
        closeSync(fd)
        lock.release()
      }
    },
  }
}

/**
 * Reads the roots of all living processes. An object remembers who was alive, which spares calls of flock(1).
 * Without locks (a store that is only read) nobody can be known to be dead, and all count as living.
 */
export function createTempRootsReader(
  stateDirectory: string,
  locks: LockDirectory | undefined,
): () => { readonly path: string; readonly owner: string }[] {
  const directory = join(stateDirectory, 'temproots')
  const alive = new Set<string>()
  return () => {
    const roots: { path: string; owner: string }[] = []
    for (const name of existsSync(directory) ? readdirSync(directory) : []) {
      if (!/^[0-9]/.test(name)) continue
      const file = join(directory, name)
      if (locks === undefined || locks.isLocked(`process-${name}`)) alive.delete(name)
      else if (!alive.has(name)) {
        if (!isHeldByNix(file, Number.parseInt(name, 10))) continue
        alive.add(name)
      }
      for (const path of readRoots(file)) roots.push({ path, owner: name })
    }
    return roots
  }
}

interface RootsFile {
  readonly path: string
  readonly fd: number
  readonly lock: LockFile
}

function createRootsFile(stateDirectory: string, locks: LockDirectory): RootsFile {
  const directory = join(stateDirectory, 'temproots')
  makeDirectories(directory)
  // One file per open store; a process in another PID namespace may have our number.
  for (let index = 0; ; index++) {
    const name = index === 0 ? String(process.pid) : `${process.pid}.${index}`
    const lock = locks.tryLock(`process-${name}`)
    if (lock === undefined) continue
    const path = join(directory, name)
    let fd: number
    try {
      fd = openSync(path, 'a', 0o600)
    } catch (error) {
      lock.release()
      throw error
    }
    if (flockDescriptor(fd, { wait: false }) === 'busy' || !isStillThere(path, fd)) {
      closeSync(fd)
      lock.release()
      continue
    }
    ftruncateSync(fd, 0)
    return { path, fd, lock }
  }
}

/** A collector may have removed the file between its opening and its locking. */
function isStillThere(path: string, fd: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false })
  return now !== undefined && now.ino === statSync(`/proc/self/fd/${fd}`).ino
}

function isHeldByNix(file: string, pid: number): boolean {
  let fd: number
  try {
    fd = openSync(file, 'r+')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
  try {
    switch (flockDescriptor(fd, { wait: false })) {
      case 'busy':
        return true
      case 'locked':
        // Nix's sign to a process that opened the file just before its removal: start over with a new one.
        rmSync(file, { force: true })
        writeSync(fd, 'd')
        return false
      case 'unavailable':
        return existsSync(`/proc/${pid}`)
    }
  } finally {
    closeSync(fd)
  }
}

function readRoots(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\0').slice(0, -1)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}

/**
 * Waits for the end of a collection by Nix that may have read the temporary roots before ours was written. Each one
 * makes a new socket before it reads them: the same socket as at the last call (its stamp is the result) means no new one.
 * Does not wait for a collection that began `enough` milliseconds ago, nor for one of ours, which takes Nix's lock first
 * and then its own.
 */
function waitForNix(
  stateDirectory: string,
  quietSince: string,
  isOurs: () => boolean,
  enough = Number.POSITIVE_INFINITY,
): string {
  const socket = statSync(join(stateDirectory, 'gc-socket/socket'), { throwIfNoEntry: false })
  if (socket === undefined) return ''
  const stamp = `${socket.ino}:${socket.ctimeMs}`
  if (stamp === quietSince) return stamp
  const lock = statSync(join(stateDirectory, 'gc.lock'), { throwIfNoEntry: false })
  const end = performance.now() + NIX_TIMEOUT
  while (lock !== undefined && Date.now() < socket.ctimeMs + enough && hasFlock(lock.ino)) {
    if (performance.now() > end) {
      throw new UserError('LOCK_TIMEOUT', `a garbage collection by Nix of '${stateDirectory}' does not end`, {
        hint: 'wait for it, or end it',
      })
    }
    if (isOurs()) return ''
    pause(20)
  }
  return stamp
}

/** Looks for a write lock by flock on the inode; where the kernel shows none (other PID namespace), we cannot know. */
function hasFlock(inode: number): boolean {
  try {
    return readFileSync('/proc/locks', 'latin1')
      .split('\n')
      .some((line) => line.includes(' FLOCK ') && line.includes(' WRITE ') && line.includes(`:${inode} `))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return false
    throw error
  }
}

const NIX_TIMEOUT = 60 * 60 * 1000
/** In which it has surely read all roots; to wait for the whole of a collection would hold up every command that ends. */
const NIX_READING_TIME = 10_000
