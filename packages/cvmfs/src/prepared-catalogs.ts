/**
 * Catalogs of trees that never change, kept on the local disk with what they were made of, so that they are made once. One file each:
 *
 *     50b1…e3                                             SHA-256 of all that follows, in hexadecimal
 *     {"key":"…","hash":"02a7…","size":36864,"marker":"e3b0…","places":["/srv/repository"]}
 *     x\x9c…                                              the object of the catalog, as repositories store it
 *
 * Nothing is lost with it: what is not there, or is damaged, is made anew. Who can write to the directory can make others publish what
 * they did not mean to, so one that is open to others is left alone.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { type ContentHash, formatContentHash, parseContentHash } from './content-hash.ts'

export interface PreparedCatalog {
  readonly hash: ContentHash
  /** Bytes unpacked. */
  readonly size: number
  /** SHA-256 of the marker that was made for it, in hexadecimal; empty for none. */
  readonly marker: string
  /** Directories of repositories that had all its objects, the latest first. */
  readonly places: readonly string[]
  /** The object, as it is stored. */
  readonly stored: Uint8Array
}

export interface PreparedCatalogs {
  /** `key` says everything that the bytes of the catalog come from. */
  find(key: string): PreparedCatalog | undefined
  keep(key: string, prepared: PreparedCatalog): void
}

/** `limit` is in bytes: beyond it, what was not used for the longest time goes. */
export function openPreparedCatalogs(directory: string, limit = LIMIT): PreparedCatalogs {
  /** Bytes, about: other processes keep catalogs as well. Undefined until it is counted. */
  let taken: number | undefined
  return {
    find(key) {
      if (!isOwn(directory)) return undefined
      const file = join(directory, fileName(key))
      const found = readEntry(file, key)
      if (found !== undefined) touch(file)
      return found
    },
    keep(key, prepared) {
      const bytes = formatEntry(key, prepared)
      if (bytes.length > limit / 4) return
      try {
        makeDirectories(directory, 0o700)
        if (!isOwn(directory)) return
        writeAside(join(directory, fileName(key)), bytes)
        taken = taken === undefined ? shrink(directory, limit) : taken + bytes.length
        if (taken > limit) taken = shrink(directory, limit)
      } catch (error) {
        // The next publish takes longer, and that is all.
        if (!isSystemError(error, ...UNWRITABLE)) throw error
      }
    },
  }
}

const LIMIT = 512 << 20
const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOENT', 'ENOTDIR', 'EEXIST'] as const

/** Nobody else can have put anything there. */
function isOwn(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && stat.uid === process.geteuid!() && (stat.mode & 0o022) === 0
}

function fileName(key: string): string {
  return createHash('sha256').update(key, 'latin1').digest('hex')
}

function formatEntry(key: string, { hash, size, marker, places, stored }: PreparedCatalog): Buffer {
  const header = JSON.stringify({ key, hash: formatContentHash(hash), size, marker, places })
  const rest = Buffer.concat([Buffer.from(`${header}\n`, 'utf8'), stored])
  return Buffer.concat([Buffer.from(`${digestOf(rest)}\n`), rest])
}

/** Undefined for what is damaged, or not there. */
function readEntry(file: string, key: string): PreparedCatalog | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EIO', 'ELOOP')) return undefined
    throw error
  }
  const rest = bytes.subarray(DIGEST_LENGTH + 1)
  if (bytes.toString('latin1', 0, DIGEST_LENGTH + 1) !== `${digestOf(rest)}\n`) return undefined
  const end = rest.indexOf('\n')
  return end < 0 ? undefined : parseHeader(rest.toString('utf8', 0, end), key, rest.subarray(end + 1))
}

const DIGEST_LENGTH = 64

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function parseHeader(text: string, key: string, stored: Uint8Array): PreparedCatalog | undefined {
  try {
    const header = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    if (header?.key !== key) return undefined
    const { size, marker, places } = header
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || typeof marker !== 'string')
      return undefined
    if (!Array.isArray(places) || places.some((place) => typeof place !== 'string')) return undefined
    const hash = parseContentHash(String(header.hash), 'the hash of a prepared catalog')
    return { hash, size, marker, places: places as string[], stored }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UserError) return undefined
    throw error
  }
}

function writeAside(file: string, bytes: Uint8Array): void {
  const aside = `${file}.${process.pid}-${randomBytes(6).toString('hex')}${ASIDE}`
  try {
    const descriptor = openSync(aside, 'wx', 0o600)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
    } finally {
      closeSync(descriptor)
    }
    renameSync(aside, file)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

const ASIDE = '.tmp'

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date())
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'EROFS')) throw error
  }
}

/** Removes the oldest until a tenth of the room is free, and what killed processes left in work. Gives the bytes that are left. */
function shrink(directory: string, limit: number): number {
  const files = readdirSync(directory).flatMap((name) => {
    const stat = lstatSync(join(directory, name), { throwIfNoEntry: false })
    if (stat?.isFile() !== true) return []
    if (!name.endsWith(ASIDE)) return [{ name, size: stat.size, used: stat.mtimeMs }]
    if (stat.mtimeMs < Date.now() - HOUR) rmSync(join(directory, name), { force: true })
    return []
  })
  let taken = files.reduce((sum, { size }) => sum + size, 0)
  if (taken <= limit) return taken
  for (const { name, size } of files.sort((a, b) => a.used - b.used)) {
    if (taken <= limit * 0.9) break
    rmSync(join(directory, name), { force: true })
    taken -= size
  }
  return taken
}

/** Milliseconds. */
const HOUR = 3600_000
