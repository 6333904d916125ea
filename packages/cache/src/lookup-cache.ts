/**
 * What caches answered before, so that it is not asked again: `~/.cache/baryon/binary-cache.sqlite`, shared by all
 * processes and removable at any time. That a path is there holds for 30 days, that it is not for an hour, as in Nix.
 */
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDirectories, userCacheDirectory } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface LookupCache {
  /** The text of a narinfo; null for a path that is known to be missing, undefined when nothing is known. */
  get(cache: string, digest: string): string | null | undefined
  put(cache: string, answers: readonly (readonly [digest: string, text: string | null])[]): void
  forget(cache: string, digest: string): void
  /** The file `nix-cache-info`. */
  getInfo(cache: string): string | undefined
  putInfo(cache: string, text: string): void
  close(): void
}

/** Undefined where it cannot be kept: a home that is not writable must not keep anybody from asking. */
export function openLookupCache(
  file: string = defaultFile(process.env),
  now: () => number = Date.now,
): LookupCache | undefined {
  let database: DatabaseSync
  try {
    makeDirectories(dirname(file))
    database = new DatabaseSync(file)
    database.exec('pragma journal_mode = wal; pragma synchronous = off; pragma busy_timeout = 5000')
    database.exec(SCHEMA)
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'ERR_SQLITE_ERROR'))
      return undefined
    throw error
  }
  const seconds = () => Math.floor(now() / 1000)
  const select = database.prepare('select text, time from answers where cache = ? and digest = ?')
  const insert = database.prepare('insert or replace into answers (cache, digest, text, time) values (?, ?, ?, ?)')
  const remove = database.prepare('delete from answers where cache = ? and digest = ?')
  const get = (cache: string, digest: string): string | null | undefined => {
    const row = select.get(cache, digest) as { text: string | null; time: number } | undefined
    if (row === undefined) return undefined
    const life = digest === INFO ? INFO_SECONDS : row.text === null ? MISSING_SECONDS : PRESENT_SECONDS
    const age = seconds() - row.time
    // A clock that was set back must not make answers last for years.
    return age >= 0 && age < life ? row.text : undefined
  }
  const put: LookupCache['put'] = (cache, answers) => {
    database.exec('begin immediate')
    try {
      for (const [digest, text] of answers) insert.run(cache, digest, text, seconds())
      database.exec('commit')
    } catch (error) {
      database.exec('rollback')
      throw error
    }
  }
  purge(database, seconds())
  return {
    get,
    put,
    forget: (cache, digest) => {
      remove.run(cache, digest)
    },
    getInfo: (cache) => get(cache, INFO) ?? undefined,
    putInfo: (cache, text) => put(cache, [[INFO, text]]),
    close: () => database.close(),
  }
}

function defaultFile(environment: NodeJS.ProcessEnv): string {
  return join(userCacheDirectory(environment), 'binary-cache.sqlite')
}

function purge(database: DatabaseSync, now: number): void {
  database
    .prepare('delete from answers where time < ? or (text is null and time < ?)')
    .run(now - PRESENT_SECONDS, now - MISSING_SECONDS)
}

const SCHEMA = `create table if not exists answers
  (cache text not null, digest text not null, text text, time integer not null, primary key (cache, digest)) without rowid`

const DAY = 24 * 3600
const PRESENT_SECONDS = 30 * DAY
const MISSING_SECONDS = 3600
const INFO_SECONDS = 7 * DAY
/** Stands for `nix-cache-info` among the digests. */
const INFO = ''
