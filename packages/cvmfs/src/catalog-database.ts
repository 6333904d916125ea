/** The file of a catalog, which may come from anybody, as a database that is only read. */
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { guard, invalid } from './catalog-error.ts'

/** Throws `CVMFS_CATALOG`. */
export function openCatalogFile(file: string): DatabaseSync {
  checkHeader(file)
  return guard(() => openReadOnly(file))
}

/** Read and write version 1: with a write-ahead log the real client crashes, and SQLite would want to write beside the file. */
function checkHeader(file: string): void {
  const header = Buffer.alloc(20)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, header, 0, header.length, 0)
  } finally {
    closeSync(descriptor)
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw invalid('is no SQLite file')
  if (header[18] !== 1 || header[19] !== 1) throw invalid('is in the mode of a write-ahead log')
}

function openReadOnly(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, enableDoubleQuotedStringLiterals: false })
  // Views and triggers of a hostile file may call nothing; damaged pages are noticed.
  database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0')
  // Nobody changes the file. One lock, shared with other readers and kept, instead of one for each question, which costs more than the answer.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  return database
}
