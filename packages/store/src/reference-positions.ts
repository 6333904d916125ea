/**
 * Where the references of a path are, kept beside the store's database in `var/baryon/positions.sqlite`.
 *
 * One row per path: base name, NAR hash (a row of other contents is not used), and the positions as deflated bytes:
 *
 *     version  count of digests  20 bytes each  count of items  items…
 *     item:    bytes shared with the path before  rest length  rest  kind  count  (digest index, offset − last offset)…
 *
 * All numbers are LEB128. An ELF file with forty references takes about 100 bytes.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { makeDirectories } from '@baryon/files'
import {
  decodeNix32,
  encodeNix32,
  formatHash,
  type Hash,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { FILE_KINDS } from './file-kind.ts'
import { LOCK_TIMEOUT, retryWhileBusy } from './retry-while-busy.ts'
import type { ItemPositions } from './scan-tree.ts'
import { asDatabaseError } from './schema.ts'

export interface PositionRecord {
  readonly path: StorePath
  readonly narHash: Hash
  readonly positions: readonly ItemPositions[]
}

export interface PositionDatabase {
  /** Undefined when the path was never scanned, or has other contents than it had then. */
  get(path: StorePath, narHash: Hash): readonly ItemPositions[] | undefined
  put(records: readonly PositionRecord[]): void
  remove(paths: readonly StorePath[]): void
  close(): void
}

export function openPositions(ownDirectory: string, readOnly: boolean): PositionDatabase {
  const file = join(ownDirectory, 'positions.sqlite')
  let database: DatabaseSync | undefined
  const open = (): DatabaseSync | undefined => {
    if (database !== undefined) return database
    if (readOnly) {
      if (!existsSync(file)) return undefined
      const url = pathToFileURL(file)
      if (!existsSync(`${file}-wal`)) url.searchParams.set('immutable', '1')
      database = new DatabaseSync(url, { readOnly: true })
      return database
    }
    database = retryWhileBusy(() => openForWriting(file))
    return database
  }
  const guarded = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw asDatabaseError(error, file)
    }
  }
  const change = (work: (database: DatabaseSync) => void) =>
    guarded(() => {
      const opened = open()
      if (opened === undefined)
        throw new UserError('STORE_READ_ONLY', `the store of '${ownDirectory}' was opened for reading only`)
      opened.exec('BEGIN IMMEDIATE')
      try {
        work(opened)
        opened.exec('COMMIT')
      } catch (error) {
        if (opened.isTransaction) opened.exec('ROLLBACK')
        throw error
      }
    })
  return {
    get: (path, narHash) =>
      guarded(() => {
        const row = open()?.prepare('select narHash, data from Positions where path = ?').get(storePathBaseName(path))
        if (row === undefined || row.narHash !== formatHash(narHash, 'base16')) return undefined
        return decodePositions(row.data as Uint8Array)
      }),
    put: (records) =>
      change((opened) => {
        const insert = opened.prepare('insert or replace into Positions (path, narHash, data) values (?, ?, ?)')
        for (const { path, narHash, positions } of records) {
          insert.run(storePathBaseName(path), formatHash(narHash, 'base16'), encodePositions(positions))
        }
      }),
    remove: (paths) => {
      if (!existsSync(file)) return
      change((opened) => {
        const remove = opened.prepare('delete from Positions where path = ?')
        for (const path of paths) remove.run(storePathBaseName(path))
      })
    },
    close: () => {
      database?.close()
      database = undefined
    },
  }
}

function openForWriting(file: string): DatabaseSync {
  makeDirectories(dirname(file))
  const database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT })
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS Positions (path text primary key, narHash text not null, data blob not null) WITHOUT ROWID',
    )
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

export function encodePositions(positions: readonly ItemPositions[]): Uint8Array {
  const bytes: number[] = [VERSION]
  const number = (value: number) => {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
    bytes.push(rest)
  }
  const digests = new Map<string, number>()
  for (const item of positions)
    for (const { digest } of item.places) if (!digests.has(digest)) digests.set(digest, digests.size)
  number(digests.size)
  for (const digest of digests.keys()) bytes.push(...decodeNix32(digest))
  number(positions.length)
  let before = ''
  for (const item of positions) {
    let shared = 0
    while (shared < before.length && before[shared] === item.path[shared]) shared++
    number(shared)
    number(item.path.length - shared)
    for (let index = shared; index < item.path.length; index++) bytes.push(item.path.charCodeAt(index))
    before = item.path
    number(FILE_KINDS.indexOf(item.kind))
    number(item.places.length)
    let last = 0
    for (const place of item.places) {
      number(digests.get(place.digest)!)
      number(place.offset - last)
      last = place.offset
    }
  }
  return process.getBuiltinModule('node:zlib').deflateRawSync(Uint8Array.from(bytes))
}

/** Refuses damaged records with `POSITIONS_CORRUPT`. */
export function decodePositions(data: Uint8Array): ItemPositions[] {
  let bytes: Uint8Array
  try {
    bytes = process.getBuiltinModule('node:zlib').inflateRawSync(data, { maxOutputLength: 1 << 30 })
  } catch (error) {
    throw corrupt(error)
  }
  let offset = 0
  const byte = (): number => {
    const value = bytes[offset++]
    if (value === undefined) throw corrupt()
    return value
  }
  const number = (): number => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const next = byte()
      value += (next % 128) * factor
      if (next < 128 && Number.isSafeInteger(value)) return value
    }
    throw corrupt()
  }
  /** A count of things that take at least so many bytes each. */
  const count = (size: number): number => {
    const value = number()
    if (value * size > bytes.length - offset) throw corrupt()
    return value
  }
  if (byte() !== VERSION) throw corrupt()
  const digests = Array.from({ length: count(20) }, () => encodeNix32(bytes.subarray(offset, (offset += 20))))
  let before = ''
  return Array.from({ length: count(4) }, () => {
    const shared = number()
    if (shared > before.length) throw corrupt()
    const length = count(1)
    const path = before.slice(0, shared) + Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1')
    offset += length
    before = path
    const kind = FILE_KINDS[number()]
    if (kind === undefined) throw corrupt()
    let last = 0
    const places = Array.from({ length: count(2) }, () => {
      const digest = digests[number()]
      if (digest === undefined) throw corrupt()
      last += number()
      return { digest, offset: last }
    })
    return { path, kind, places }
  })
}

const VERSION = 1

function corrupt(cause?: unknown): UserError {
  return new UserError('POSITIONS_CORRUPT', 'the record of reference positions of a path is damaged', {
    cause,
    hint: 'scan the path again',
  })
}
