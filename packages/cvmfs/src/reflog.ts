/** The reflog `.cvmfsreflog`: every root catalog, certificate, history and meta information that was ever published; for garbage collection. */
import { copyFileSync, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { UserError } from '@baryon/format'
import { type ContentHash, formatContentHash, parseContentHash } from './content-hash.ts'

export type ReferenceKind = 'catalog' | 'certificate' | 'history' | 'metainfo'

export interface Reference {
  readonly hash: ContentHash
  readonly kind: ReferenceKind
  /** Seconds since 1970. */
  readonly timestamp: number
}

/** Writes `file`: a copy of `former` with the references added. */
export function writeReflog(
  file: string,
  name: string,
  former: string | undefined,
  references: readonly Reference[],
): void {
  const isNew = former === undefined || !existsSync(former)
  if (!isNew) copyFileSync(former, file)
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY')
    if (isNew) {
      database.exec(SCHEMA)
      const set = database.prepare('INSERT INTO properties VALUES (?, ?)')
      set.run('schema', '1.0')
      set.run('schema_revision', '0')
      set.run('fqrn', name)
    }
    database.exec('BEGIN')
    const insert = database.prepare('INSERT OR IGNORE INTO refs VALUES (?, ?, ?)')
    for (const { hash, kind, timestamp } of references) {
      insert.run(formatContentHash(hash), KINDS.indexOf(kind), timestamp)
    }
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}

/** The oldest first. Throws `CVMFS_REFLOG`. */
export function readReflog(file: string): Reference[] {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    database.exec('PRAGMA trusted_schema = OFF')
    return database
      .prepare('SELECT hash, type, timestamp FROM refs ORDER BY timestamp')
      .all()
      .map((row) => ({
        hash: parseContentHash(String(row.hash), 'a hash in the reflog'),
        kind: KINDS[Number(row.type)] ?? 'catalog',
        timestamp: Number(row.timestamp),
      }))
  } catch (error) {
    if (
      !(error instanceof Error) ||
      !/^ERR_(SQLITE|OUT_OF_RANGE)/.test(String((error as NodeJS.ErrnoException).code))
    ) {
      throw error
    }
    throw new UserError('CVMFS_REFLOG', `the reflog cannot be read: ${error.message}`)
  } finally {
    database.close()
  }
}

/** In the order of their numbers in the table. */
const KINDS: readonly ReferenceKind[] = ['catalog', 'certificate', 'history', 'metainfo']

const SCHEMA = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE refs (hash TEXT, type INTEGER, timestamp INTEGER, CONSTRAINT pk_refs PRIMARY KEY (hash));
`
