/** The history: an SQLite file with the named revisions (tags), of schema 1.0. */
import { DatabaseSync } from 'node:sqlite'
import { quoteBytes, UserError } from '@baryon/format'
import { type ContentHash, parseContentHash } from './content-hash.ts'

export interface Tag {
  readonly name: string
  readonly rootCatalog: ContentHash
  readonly revision: number
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly description: string
  /** Bytes of the root catalog, unpacked. */
  readonly size: number | undefined
}

/** The tags in a history file, the newest revision first. Throws `CVMFS_HISTORY`; `name` is that of the repository. */
export function readTags(file: string, name: string): Tag[] {
  const database = attempt(() => new DatabaseSync(file, { readOnly: true }))
  try {
    return attempt(() => {
      database.exec('PRAGMA trusted_schema = OFF')
      const owner = database.prepare("SELECT value FROM properties WHERE key = 'fqrn'").get()?.value
      if (owner !== name) throw invalid(`is of ${quoteBytes(String(owner))}, not of ${name}`)
      return database
        .prepare(
          'SELECT name, hash, revision, timestamp, description, size FROM tags ORDER BY revision DESC, timestamp DESC, name',
        )
        .all()
        .map((row) => ({
          name: String(row.name),
          rootCatalog: parseContentHash(String(row.hash), `the hash of tag ${quoteBytes(String(row.name))}`),
          revision: Number(row.revision),
          timestamp: Number(row.timestamp),
          description: row.description === null ? '' : String(row.description),
          size: Number(row.size) > 0 ? Number(row.size) : undefined,
        }))
    })
  } finally {
    database.close()
  }
}

function attempt<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error
    if (!/^ERR_(SQLITE|OUT_OF_RANGE)/.test(String((error as NodeJS.ErrnoException).code))) throw error
    throw invalid(`cannot be read: ${error.message}`)
  }
}

function invalid(problem: string): UserError {
  return new UserError('CVMFS_HISTORY', `the history ${problem}`)
}
