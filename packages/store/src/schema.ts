/**
 * The database of a Nix store, schema version 10 (Nix 2.0 up to the current one), as SQL and as a file next to it.
 * Versions 7 to 9 are upgraded when a store is opened for writing; any other version is refused and left as it is.
 *
 * `db/db.sqlite` is in WAL mode, `db/schema` holds the text `10`. Specification: what nix-bin creates; the tests compare.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { writeFileAtomically } from './atomic-file.ts'
import { isWritable } from './is-writable.ts'
import { BUSY, LOCK_TIMEOUT, retryWhileBusy } from './retry-while-busy.ts'
import { OLDEST_SCHEMA_VERSION, upgradeSchema } from './upgrade-schema.ts'

export const SCHEMA_VERSION = 10

/** Opens the database below a state directory, and creates it unless it must only be read. */
export function openDatabase(stateDirectory: string, readOnly: boolean): DatabaseSync {
  const directory = join(stateDirectory, 'db')
  if (!readOnly) return retryWhileBusy(() => openForWriting(directory))
  checkReadable(stateDirectory)
  return openForReading(directory)
}

/**
 * True when the open database file can no longer be trusted to be what was opened: only matters to an immutable opening,
 * which SQLite reads without locks.
 */
export function databaseStamp(stateDirectory: string): string {
  const file = join(stateDirectory, 'db/db.sqlite')
  const stat = statSync(file)
  return `${stat.ino}:${stat.size}:${stat.mtimeMs}:${walSize(file)}`
}

function openForWriting(directory: string): DatabaseSync {
  makeDirectories(directory)
  const file = join(directory, 'db.sqlite')
  const version = readVersion(directory)
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  // SQLite would say that it cannot open the file, since it makes others beside it.
  if (size > 0 && !isWritable(directory)) throw databaseError('STORE_READ_ONLY', file, 'cannot be written')
  if (version === undefined && size > 0) checkTables(file)
  if (version !== undefined && size === 0) throw missingDatabase(file)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT, enableForeignKeyConstraints: true })
    // What Nix sets: a commit is ordered after the writes before it, and is lost only together with later ones.
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 40000;')
    if (version === undefined) {
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`)
      writeFileAtomically(join(directory, 'schema'), String(SCHEMA_VERSION))
    } else if (version < SCHEMA_VERSION) upgradeSchema(directory, database)
    return database
  } catch (error) {
    database?.close()
    throw asDatabaseError(error, file)
  }
}

/** Refuses a database that cannot be read, without opening it, which loads SQLite: most evaluations never ask it anything. */
export function checkReadable(stateDirectory: string): void {
  const directory = join(stateDirectory, 'db')
  const file = join(directory, 'db.sqlite')
  const version = readVersion(directory)
  if (version !== undefined && version < SCHEMA_VERSION) {
    throw versionError(
      directory,
      String(version),
      'upgrade it with any command that opens it for writing, such as baryon store verify',
    )
  }
  if (version === undefined && !existsSync(file)) {
    throw new UserError('STORE_MISSING', `there is no store database at '${file}'`, {
      hint: 'check the root and the store directory',
    })
  }
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    throw databaseError('STORE_UNREADABLE', file, 'cannot be opened', error)
  }
}

function openForReading(directory: string): DatabaseSync {
  const file = join(directory, 'db.sqlite')
  const url = pathToFileURL(file)
  // A plain read-only opening of a WAL database creates files beside it. Without a log to read, none is needed.
  if (walSize(file) === 0 && !(isWritable(directory) && existsSync(`${file}-shm`)))
    url.searchParams.set('immutable', '1')
  else if (!isWritable(directory)) url.searchParams.set('readonly_shm', '1')
  try {
    return new DatabaseSync(url, { readOnly: true, timeout: LOCK_TIMEOUT })
  } catch (error) {
    throw asDatabaseError(error, file)
  }
}

function readVersion(directory: string): number | undefined {
  const file = join(directory, 'schema')
  let text: string
  try {
    text = readFileSync(file, 'latin1').trim()
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
  const version = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (version >= OLDEST_SCHEMA_VERSION && version <= SCHEMA_VERSION) return version
  throw versionError(
    directory,
    text.slice(0, 20),
    version < OLDEST_SCHEMA_VERSION
      ? 'upgrade it by opening it once with Nix 2, as root'
      : 'use a newer Baryon, or another --root',
  )
}

function versionError(directory: string, version: string, hint: string): UserError {
  return new UserError(
    'STORE_SCHEMA_VERSION',
    `the store database in '${directory}' has schema version '${version}', Baryon works with ${SCHEMA_VERSION}`,
    { hint },
  )
}

function missingDatabase(file: string): UserError {
  return new UserError('STORE_CORRUPT', `the store database '${file}' is missing or empty`, {
    hint: 'restore it from a backup, or load a listing: nix-store --load-db',
  })
}

/** A database without a `schema` file is either one whose creation was cut short, or none of Nix's at all. */
function checkTables(file: string): void {
  try {
    const foreign = readTables(file).find((table) => !SCHEMA.includes(`table if not exists ${table} (`))
    if (foreign === undefined) return
    throw new UserError(
      'STORE_SCHEMA_VERSION',
      `'${file}' has a table '${foreign}' and no schema version: it is no store database`,
    )
  } catch (error) {
    throw asDatabaseError(error, file)
  }
}

function readTables(file: string): string[] {
  try {
    return tablesOf(file, true)
  } catch (error) {
    // Whoever created it was killed in the middle: what is there of it goes when somebody who may write looks.
    if ((error as { readonly errcode?: unknown }).errcode !== READONLY_ROLLBACK) throw error
    return tablesOf(file, false)
  }
}

function tablesOf(file: string, readOnly: boolean): string[] {
  // Whoever is creating it holds it for a moment.
  const database = new DatabaseSync(file, { readOnly, timeout: LOCK_TIMEOUT })
  try {
    return database
      .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
      .all()
      .map(({ name }) => String(name))
  } finally {
    database.close()
  }
}

const READONLY_ROLLBACK = 776

/** Makes an error with a code out of SQLite's for what a user can cause: no database, a full disk, no permission. */
export function asDatabaseError(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return error
  // What Node says of an integer that is no number of JavaScript: no honest column holds one.
  const code =
    'errcode' in error ? error.errcode : 'code' in error && error.code === 'ERR_OUT_OF_RANGE' ? 11 : undefined
  if (typeof code !== 'number') return error
  const [name, what] = SQLITE_REASONS[code & 0xff] ?? ['STORE_DATABASE', `cannot be used: ${error.message}`]
  return databaseError(name, file, what, error)
}

function databaseError(code: string, file: string, what: string, cause?: unknown): UserError {
  return new UserError(code, `the store database '${file}' ${what}`, { hint: HINTS[code] ?? ANOTHER_ROOT, cause })
}

const ANOTHER_ROOT = 'choose a place that you can write to with --root DIR or BARYON_ROOT'
const HINTS: Readonly<Record<string, string>> = {
  STORE_BUSY: 'wait until the other process has ended, or end it',
  STORE_CORRUPT: 'bring the file back from a copy, or start with another --root',
  DISK_FULL: 'free space, for instance by `baryon store gc`, or choose another place with --root',
}

const SQLITE_REASONS: Readonly<Record<number, readonly [string, string]>> = {
  1: ['STORE_CORRUPT', 'does not have the tables of a store'],
  [BUSY]: ['STORE_BUSY', 'has been locked by another process for too long'],
  8: ['STORE_READ_ONLY', 'cannot be written'],
  10: ['STORE_IO', 'cannot be read or written'],
  11: ['STORE_CORRUPT', 'is damaged'],
  13: ['DISK_FULL', 'cannot be written: no space left on the device'],
  14: ['STORE_UNREADABLE', 'cannot be opened'],
  26: ['STORE_CORRUPT', 'is not an SQLite database'],
}

function walSize(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

const SCHEMA = `
create table if not exists ValidPaths (
    id               integer primary key autoincrement not null,
    path             text unique not null,
    hash             text not null,
    registrationTime integer not null,
    deriver          text,
    narSize          integer,
    ultimate         integer,
    sigs             text,
    ca               text
);
create table if not exists Refs (
    referrer  integer not null,
    reference integer not null,
    primary key (referrer, reference),
    foreign key (referrer) references ValidPaths(id) on delete cascade,
    foreign key (reference) references ValidPaths(id) on delete restrict
);
create index if not exists IndexReferrer on Refs(referrer);
create index if not exists IndexReference on Refs(reference);
create trigger if not exists DeleteSelfRefs before delete on ValidPaths
  begin
    delete from Refs where referrer = old.id and reference = old.id;
  end;
create table if not exists DerivationOutputs (
    drv  integer not null,
    id   text not null,
    path text not null,
    primary key (drv, id),
    foreign key (drv) references ValidPaths(id) on delete cascade
);
create index if not exists IndexDerivationOutputs on DerivationOutputs(path);
`
