import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { type ContentHash, type ObjectKind, objectName } from './content-hash.ts'
import { directorySource, type ObjectSource } from './object-source.ts'

/** Where a repository is written to. */
export interface ObjectStorage extends ObjectSource {
  /** Where processes of this machine find the objects, absolute; undefined for what lies elsewhere. */
  readonly directory?: string
  /** Bytes of the object as it is stored; undefined when it is not there. */
  size(hash: ContentHash, kind: ObjectKind): Promise<number | undefined>
  /** Stores an object, all or nothing. What is there already is left alone: objects of one name are equal. */
  put(hash: ContentHash, kind: ObjectKind, bytes: Uint8Array): Promise<void>
  /** Stores an object that lies in a file of the scratch directory of the lock, and is verified. */
  adopt(hash: ContentHash, kind: ObjectKind, file: string): Promise<void>
  /** Replaces a file that has no hash for a name, such as the manifest, all or nothing. */
  replace(name: string, bytes: Uint8Array): Promise<void>
  /** All objects, by their names in the repository, with the bytes that they take. */
  objects(): AsyncIterable<{ readonly name: string; readonly size: number }>
  remove(name: string): Promise<void>
  /** Makes durable what was put since the last time: what names the objects may be written then. */
  sync(): Promise<void>
  /** Removes what was put since then, which nothing names. */
  discard?(): Promise<void>
  /**
   * Nobody else publishes until it is released; the death of this process releases it as well, at once or soon. What others left in work is removed.
   * Throws `CVMFS_LOCKED`, `CVMFS_UNWRITABLE`.
   */
  lock(): Promise<StorageLock>
}

export interface StorageLock {
  /** An empty directory for files in work, from which objects can be adopted. */
  readonly scratch: string
  release(): Promise<void>
}

/** A repository in a directory, for a web server to serve. */
export function directoryStorage(directory: string): ObjectStorage {
  let unsynced: string[] = []
  const unique = join(directory, 'data/txn', `${process.pid}-${randomBytes(8).toString('hex')}`)
  let count = 0
  const write = (file: string, bytes: Uint8Array, isDurable: boolean): void => {
    const aside = `${unique}-${count++}`
    try {
      const descriptor = openSync(aside, 'wx', 0o644)
      try {
        for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
        if (isDurable) fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
      renameSync(aside, file)
    } catch (error) {
      rmSync(aside, { force: true })
      if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error
      throw new UserError('DISK_FULL', `no space left in ${directory}`, {
        hint: 'free some space; what was published before is complete',
        cause: error,
      })
    }
  }
  return {
    ...directorySource(directory),
    directory: resolve(directory),
    size: async (hash, kind) => statSync(join(directory, objectName(hash, kind)), { throwIfNoEntry: false })?.size,
    async put(hash, kind, bytes) {
      const file = join(directory, objectName(hash, kind))
      if (existsSync(file)) return
      write(file, bytes, false)
      unsynced.push(file)
    },
    async adopt(hash, kind, from) {
      const file = join(directory, objectName(hash, kind))
      renameSync(from, file)
      unsynced.push(file)
    },
    replace: async (name, bytes) => write(join(directory, name), bytes, true),
    async *objects() {
      for (const prefix of readdirSync(join(directory, 'data'))) {
        if (!/^[0-9a-f]{2}$/.test(prefix)) continue
        for (const file of readdirSync(join(directory, 'data', prefix))) {
          const name = `data/${prefix}/${file}`
          const stat = lstatSync(join(directory, name), { throwIfNoEntry: false })
          if (stat?.isFile() === true) yield { name, size: stat.size }
        }
      }
    },
    remove: async (name) => rmSync(join(directory, name), { force: true }),
    async sync() {
      const files = unsynced
      unsynced = []
      const directories = new Set(files.map((file) => file.slice(0, file.lastIndexOf('/'))))
      if (files.length > FEW && (await syncFileSystems(directories))) return
      for (const one of [...files, ...directories]) syncFile(one)
    },
    async discard() {
      for (const file of unsynced) rmSync(file, { force: true })
      unsynced = []
    },
    lock: async () => lockDirectory(directory),
  }
}

/** The directories of an empty storage. The real tools rename into them, and make none. Throws `CVMFS_UNWRITABLE`. */
export function createDirectories(directory: string): void {
  try {
    for (let prefix = 0; prefix < 256; prefix++) {
      makeDirectories(join(directory, 'data', prefix.toString(16).padStart(2, '0')))
    }
    makeDirectories(join(directory, 'data/txn'))
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST')) throw error
    throw unwritable(directory, error)
  }
}

/** Files that are synced one by one: about as many take as long as a process and all of the file system. */
const FEW = 20

/**
 * Syncs the file systems of the directories as a whole: 5,000 objects on a disk take 0.2 s, and 22 s one after the other. False when that
 * did not work, as without GNU `sync`.
 */
function syncFileSystems(directories: ReadonlySet<string>): Promise<boolean> {
  const devices = new Map([...directories].map((directory) => [statSync(directory).dev, directory]))
  return new Promise((resolve) => {
    execFile('sync', ['--file-system', ...devices.values()], (error) => resolve(error === null))
  })
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A lock of SQLite is one of the kernel, which Node offers in no other way. */
function lockDirectory(directory: string): StorageLock {
  const transactions = join(directory, 'data/txn')
  const database = openLock(directory, join(transactions, LOCK))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    for (const name of readdirSync(transactions)) {
      if (!name.startsWith(LOCK)) rmSync(join(transactions, name), { recursive: true, force: true })
    }
    const scratch = mkdtempSync(join(transactions, 'work-'))
    return {
      scratch,
      release: async () => {
        rmSync(scratch, { recursive: true, force: true })
        database.close()
      },
    }
  } catch (cause) {
    database.close()
    if (isSystemError(cause, 'EACCES', 'EPERM', 'EROFS')) throw unwritable(directory, cause)
    if (!(cause instanceof Error && 'errcode' in cause)) throw cause
    // The low byte says what it is, those above why.
    if (((cause.errcode as number) & 0xff) !== SQLITE_BUSY) throw unwritable(directory, cause)
    throw new UserError('CVMFS_LOCKED', `somebody else publishes to ${directory}`, {
      hint: 'try again when that has ended',
      cause,
    })
  }
}

function openLock(directory: string, file: string): DatabaseSync {
  try {
    return new DatabaseSync(file)
  } catch (cause) {
    if (!(cause instanceof Error && 'errcode' in cause)) throw cause
    throw unwritable(directory, cause)
  }
}

function unwritable(directory: string, cause: unknown): UserError {
  return new UserError('CVMFS_UNWRITABLE', `this user cannot write to ${directory}`, {
    hint: 'choose a directory of this user, or do it as the one to whom it belongs',
    cause,
  })
}

const LOCK = 'publish.lock'
const SQLITE_BUSY = 5
