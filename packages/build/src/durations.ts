import { DatabaseSync } from 'node:sqlite'
import { makeDirectories } from '@baryon/files'
import type { Store } from '@baryon/store'

/** How long things took the last time, by name: what priorities and the time left are made from. A guess, never needed. */
export interface Durations {
  /** Seconds; undefined for what was never built here. */
  recall(name: string): number | undefined
  remember(name: string, seconds: number): void
  close(): void
}

/** Kept beside the store. When the file cannot be used, nothing is remembered. */
export function openDurations(store: Store): Durations {
  let database: DatabaseSync
  try {
    makeDirectories(store.ownDirectory)
    database = new DatabaseSync(`${store.ownDirectory}/durations.sqlite`)
    database.exec('PRAGMA busy_timeout = 2000; PRAGMA synchronous = OFF')
    database.exec('CREATE TABLE IF NOT EXISTS duration (name TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID')
  } catch {
    return { recall: () => undefined, remember: () => {}, close: () => {} }
  }
  const select = database.prepare('SELECT seconds FROM duration WHERE name = ?')
  const insert = database.prepare('INSERT OR REPLACE INTO duration VALUES (?, ?)')
  const unwritten = new Map<string, number>()
  const find = (name: string) => {
    const seconds = unwritten.get(name) ?? select.get(name)?.seconds
    return typeof seconds === 'number' ? seconds : undefined
  }
  const write = () => {
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const [name, seconds] of unwritten) insert.run(name, seconds)
      database.exec('COMMIT')
    } catch {
      // A full disk or a busy database must not fail a build that has succeeded.
      if (database.isTransaction) database.exec('ROLLBACK')
    }
    unwritten.clear()
  }
  return {
    // Another version takes about as long.
    recall: (name) => find(name) ?? find(withoutVersion(name)),
    remember(name, seconds) {
      unwritten.set(name, seconds)
      unwritten.set(withoutVersion(name), seconds)
      // A transaction for each build took a tenth of the time of small ones.
      if (unwritten.size >= UNWRITTEN_LIMIT) write()
    },
    close() {
      if (unwritten.size > 0) write()
      database.close()
    },
  }
}

const UNWRITTEN_LIMIT = 100

function withoutVersion(name: string): string {
  return name.replace(/-\d.*$/, '')
}
