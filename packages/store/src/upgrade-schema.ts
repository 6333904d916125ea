/**
 * Upgrading the database of a store that Nix 1.x made: schema 7 (Nix 1.7 on), 8 and 9 were never far from 10.
 *
 *     7 -> 8   columns `ultimate` and `sigs`
 *     8 -> 9   no table `FailedPaths`
 *     9 -> 10  column `ca`
 *
 * The changes are Nix's own, so that the tables come out with the same texts. They are one transaction, which is durable
 * before the file `schema` says so: a process that is killed in between leaves what the next one finishes.
 */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { UserError } from '@baryon/format'
import { writeFileAtomically } from './atomic-file.ts'
import { flockDescriptor } from './flock.ts'
import { pause } from './pause.ts'

/** The oldest version that can be upgraded: files of older stores may be marked immutable, and need root. */
export const OLDEST_SCHEMA_VERSION = 7

/** Brings an open database of one of those versions to version 10. Waits for processes of Nix that use it. */
export function upgradeSchema(directory: string, database: DatabaseSync): void {
  const lock = lockOutNix(directory)
  try {
    database.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE;')
    try {
      applyChanges(directory, database)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    database.exec('PRAGMA synchronous = NORMAL')
    writeFileAtomically(join(directory, 'schema'), '10')
  } finally {
    closeSync(lock)
  }
}

/** Does what is still to do, whatever the version says. */
function applyChanges(directory: string, database: DatabaseSync): void {
  const columns = new Set(
    database
      .prepare('PRAGMA table_info(ValidPaths)')
      .all()
      .map(({ name }) => String(name)),
  )
  const missing = ['id', 'path', 'hash', 'registrationTime', 'deriver', 'narSize'].find((name) => !columns.has(name))
  if (missing !== undefined) {
    throw new UserError(
      'STORE_CORRUPT',
      `the store database in '${directory}' has no column '${missing}' in its table ValidPaths`,
      { hint: 'restore it from a backup; it was not changed' },
    )
  }
  const added = [
    ['ultimate', 'integer'],
    ['sigs', 'text'],
    ['ca', 'text'],
  ] as const
  for (const [name, type] of added) {
    if (!columns.has(name)) database.exec(`alter table ValidPaths add column ${name} ${type}`)
  }
  database.exec('drop table if exists FailedPaths')
}

/** Every process of Nix holds this lock shared as long as it has the store open. Falls when it is closed. */
function lockOutNix(directory: string): number {
  const fd = openSync(join(directory, 'big-lock'), 'a', 0o600)
  const end = performance.now() + LOCK_TIMEOUT
  while (flockDescriptor(fd, { wait: false }) === 'busy') {
    if (performance.now() > end) {
      closeSync(fd)
      throw new UserError('STORE_BUSY', `the store database in '${directory}' must be upgraded, but Nix is using it`, {
        hint: 'try again when the processes of Nix have ended',
      })
    }
    pause(50)
  }
  return fd
}

const LOCK_TIMEOUT = 60_000
