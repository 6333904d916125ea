/**
 * Keeps a cache of objects that several processes share below its quota.
 *
 *     CACHE/usage.sqlite       one row: bytes that the objects take, as far as was counted, and when all were counted last
 *     CACHE/02/a7fab0…         objects; the time of the file is that of its last use
 *
 * Each process adds what it stores. Whoever sees the quota passed counts everything again, and removes what was used longest ago
 * until half of the quota is free. What a killed process did not add is found by that, or by the count of each day. A
 * file that somebody reads stays readable when it is removed.
 */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface CacheQuota {
  /** An object of so many bytes was stored. */
  add(size: number): void
  close(): void
}

export interface CacheQuotaOptions {
  /** Bytes. */
  readonly limit: number
  /** Files that are to stay; they are noted as used when something is removed. */
  inUse(): readonly string[]
  /** Counting or removing has failed. */
  onError(error: unknown): void
}

export function openCacheQuota(directory: string, options: CacheQuotaOptions): CacheQuota {
  const { limit } = options
  const usage = openUsage(directory)
  // What is not written down yet may be no large part of the quota, nor be written down for each small file.
  const batch = Math.min(limit / 64, 8 * 1024 * 1024)
  let added = 0
  let isCleaning = false
  let isClosed = false
  const clean = (): void => {
    if (isCleaning) return
    isCleaning = true
    const before = usage.read()
    removeOldest(directory, limit, options.inUse())
      .then((left) => {
        isCleaning = false
        // What was added meanwhile counts as well, and may be too much again.
        if (!isClosed && usage.correct(before, left) > limit && left <= limit) clean()
      })
      .catch((error) => {
        isCleaning = false
        options.onError(error)
      })
  }
  const write = (): void => {
    const total = usage.add(added)
    added = 0
    if (total > limit) clean()
  }
  if (usage.read().counted < Date.now() - DAY) clean()
  return {
    add(size) {
      added += blocksOf(size)
      if (added >= batch) write()
    },
    close() {
      if (added > 0) usage.add(added)
      isClosed = true
      usage.close()
    },
  }
}

const DAY = 24 * 3600 * 1000
const BLOCK = 4096

function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

interface Counted {
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly counted: number
}

interface Usage {
  read(): Counted
  /** Gives the new sum. */
  add(bytes: number): number
  /** What was read has turned out to be so many bytes, unless somebody else has said so meanwhile. Gives the new sum. */
  correct(before: Counted, bytes: number): number
  close(): void
}

function openUsage(directory: string): Usage {
  makeDirectories(directory, 0o700)
  const file = join(directory, 'usage.sqlite')
  let database: DatabaseSync
  try {
    database = openDatabase(file)
  } catch (error) {
    if (!isSystemError(error, 'ERR_SQLITE_ERROR')) throw error
    // It can be damaged by a loss of power, and is worth nothing that could not be counted again.
    rmSync(file, { force: true })
    database = openDatabase(file)
  }
  const select = database.prepare('SELECT bytes, counted FROM usage')
  const read = (): Counted => select.get() as unknown as Counted
  const adding = database.prepare('UPDATE usage SET bytes = bytes + ?')
  const correcting = database.prepare('UPDATE usage SET bytes = bytes + ?, counted = ? WHERE counted = ?')
  return {
    read,
    add(bytes) {
      adding.run(bytes)
      return read().bytes
    },
    correct(before, bytes) {
      // A time of its own for each count, whatever the clock says.
      correcting.run(bytes - before.bytes, Math.max(Date.now(), before.counted + 1), before.counted)
      return read().bytes
    },
    close: () => database.close(),
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 10_000 })
  try {
    database.exec(`PRAGMA synchronous = OFF;
      CREATE TABLE IF NOT EXISTS usage (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER, counted INTEGER);
      INSERT OR IGNORE INTO usage VALUES (1, 0, 0)`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

interface CachedFile {
  readonly file: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly used: number
}

/** Gives the bytes that are left. */
export async function removeOldest(directory: string, limit: number, inUse: readonly string[]): Promise<number> {
  const now = new Date()
  for (const file of inUse) attempt(() => utimesSync(file, now, now))
  const kept = new Set(inUse)
  const files = await listFiles(directory)
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total <= limit) return total
  for (const { file, bytes } of files.sort((a, b) => a.used - b.used)) {
    if (total <= limit / 2) break
    if (kept.has(file)) continue
    rmSync(file, { force: true })
    total -= bytes
  }
  return total
}

async function listFiles(directory: string): Promise<CachedFile[]> {
  const files: CachedFile[] = []
  for (const prefix of readdirSync(directory)) {
    if (prefix === 'txn') removeAbandoned(join(directory, prefix))
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue
    for (const name of readdirSync(join(directory, prefix))) {
      const file = join(directory, prefix, name)
      attempt(() => {
        const { size, mtimeMs } = statSync(file)
        files.push({ file, bytes: blocksOf(size), used: mtimeMs })
      })
    }
    // Somebody waits for an answer meanwhile.
    await setImmediate()
  }
  return files
}

/** What killed processes were fetching. A transfer that is alive writes now and then. */
function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    attempt(() => {
      if (statSync(join(directory, name)).mtimeMs < Date.now() - ABANDONED) rmSync(join(directory, name))
    })
  }
}

const ABANDONED = 3600 * 1000

/** Others remove files as well. */
function attempt(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
}
