/**
 * A cache of small blobs on disk, keyed by a path and a fingerprint of the file there: parsed files, hashes of sources.
 *
 * The directory holds segments, each written once under a temporary name and renamed, so that any number of processes
 * may read and write at once and a kill at any moment costs at most what was new. A segment is (little-endian):
 * magic "BPK3", number of entries, size of the file; the index, sorted by key, of 40-byte entries (short hashes of path
 * and fingerprint, 16 bytes, and of the path, 16 bytes; offset and length of the record); the records, each at a multiple
 * of 4: length of its name, the name (path, NUL, fingerprint) filled up to a multiple of 4, the blob. What is damaged
 * in the index leads to no record or to one of another name, and blobs carry their own checks: a sum of the index would take
 * as long as a small evaluation. When there are too many segments, one writer merges them and keeps the newest blob of
 * each path.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'
import { shortHash } from './short-hash.ts'

export interface PackCache {
  /** The blob (aligned to 4 bytes, owned by the caller, to be checked by it), or undefined. */
  get(path: string, fingerprint: string): Uint8Array | undefined
  /** Takes a blob for the next `flush`; the newest counts. */
  put(path: string, fingerprint: string, blob: Uint8Array): void
  /** Writes what is new, and closes. Failures (no space, no permission) lose the cache and nothing else. */
  flush(): void
  /** A later question opens it again. */
  close(): void
}

/** Opens the cache; nothing is read before the first `get`. */
export function openPackCache(directory: string): PackCache {
  return new SegmentedCache(directory)
}

const MAGIC = 0x334b5042
const HEADER_SIZE = 12
const ENTRY_SIZE = 40
const KEY_SIZE = 16
const PATH_END = 32
/** More segments than this are merged: each costs an open and a search per miss. */
const SEGMENT_LIMIT = 12
const SUFFIX = '.pack'
/** Tells segments of the same millisecond apart. */
let written = 0

interface Entry {
  /** The hashes of name and path. */
  readonly identity: string
  readonly record: Uint8Array
}

interface Segment {
  readonly name: string
  readonly fd: number
  readonly size: number
  readonly index: Buffer
  readonly count: number
}

class SegmentedCache implements PackCache {
  readonly #directory: string
  readonly #fresh = new Map<string, Entry>()
  #segments: Segment[] | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  get(path: string, fingerprint: string): Uint8Array | undefined {
    const name = nameOf(path, fingerprint)
    const key = shortHash(name)
    const fresh = this.#fresh.get(key)
    if (fresh !== undefined) return blobOf(fresh.record, name)
    const bytes = Buffer.from(key, 'latin1')
    for (const segment of this.#opened()) {
      const at = findEntry(segment, bytes)
      const record = at < 0 ? undefined : readRecord(segment, at)
      if (record !== undefined) return blobOf(record, name)
    }
    return undefined
  }

  put(path: string, fingerprint: string, blob: Uint8Array): void {
    const name = nameOf(path, fingerprint)
    const key = shortHash(name)
    this.#fresh.set(key, { identity: key + shortHash(path), record: makeRecord(name, blob) })
  }

  flush(): void {
    const entries = [...this.#fresh.values()]
    this.#fresh.clear()
    try {
      if (entries.length > 0) this.#add(entries)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
    }
    this.close()
  }

  close(): void {
    for (const segment of this.#segments ?? []) closeSync(segment.fd)
    this.#segments = undefined
  }

  #add(entries: Entry[]): void {
    const segments = this.#opened()
    if (segments.length < SEGMENT_LIMIT) {
      this.#write(entries)
    } else {
      this.#write(merge(entries, segments))
      // Whoever has a merged segment open keeps reading it.
      for (const segment of segments) rmSync(`${this.#directory}/${segment.name}`, { force: true })
      removeLeftovers(this.#directory)
    }
  }

  #opened(): Segment[] {
    this.#segments ??= openSegments(this.#directory)
    return this.#segments
  }

  #write(entries: Entry[]): void {
    makeDirectories(this.#directory)
    const bytes = encodeSegment(entries)
    // Newer segments sort last; the random part keeps two processes apart.
    const order = `${Date.now().toString(36).padStart(10, '0')}-${(written++).toString(36).padStart(4, '0')}`
    const name = `${order}-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
    const temporary = `${this.#directory}/.${name}.tmp`
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      renameSync(temporary, `${this.#directory}/${name}${SUFFIX}`)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    } finally {
      closeSync(fd)
    }
  }
}

/** Temporary files of processes that were killed, and segments that cannot be read or have a former form. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const stat = statSync(`${directory}/${name}`, { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > 3_600_000) rmSync(`${directory}/${name}`, { force: true })
  }
}

function nameOf(path: string, fingerprint: string): string {
  return `${path}\0${fingerprint}`
}

function makeRecord(name: string, blob: Uint8Array): Uint8Array {
  const text = Buffer.from(name, 'latin1')
  const start = 4 + padded(text.length)
  const record = Buffer.alloc(start + blob.length)
  record.writeUInt32LE(text.length)
  record.set(text, 4)
  record.set(blob, start)
  return record
}

/** Undefined when it is the record of something else with the same hash. */
function blobOf(record: Uint8Array, name: string): Uint8Array | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length)
  if (bytes.length < 4 + padded(name.length) || bytes.readUInt32LE() !== name.length) return undefined
  if (bytes.toString('latin1', 4, 4 + name.length) !== name) return undefined
  return record.subarray(4 + padded(name.length))
}

/** Newest first. */
function openSegments(directory: string): Segment[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
  const segments: Segment[] = []
  for (const name of names
    .filter((entry) => entry.endsWith(SUFFIX) && !entry.startsWith('.'))
    .sort()
    .reverse()) {
    const segment = openSegment(directory, name)
    if (segment !== undefined) segments.push(segment)
  }
  return segments
}

function openSegment(directory: string, name: string): Segment | undefined {
  let fd: number
  try {
    fd = openSync(`${directory}/${name}`, 'r')
  } catch {
    return undefined
  }
  const header = Buffer.alloc(HEADER_SIZE)
  const { size } = fstatSync(fd)
  if (readSync(fd, header, 0, HEADER_SIZE, 0) === HEADER_SIZE && header.readUInt32LE(0) === MAGIC) {
    const count = header.readUInt32LE(4)
    const indexSize = count * ENTRY_SIZE
    if (HEADER_SIZE + indexSize <= size && header.readUInt32LE(8) === size) {
      const index = Buffer.allocUnsafeSlow(indexSize)
      if (readSync(fd, index, 0, indexSize, HEADER_SIZE) === indexSize) return { name, fd, size, index, count }
    }
  }
  closeSync(fd)
  return undefined
}

function findEntry(segment: Segment, key: Buffer): number {
  let low = 0
  let high = segment.count - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const at = middle * ENTRY_SIZE
    const order = segment.index.compare(key, 0, KEY_SIZE, at, at + KEY_SIZE)
    if (order === 0) return at
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}

function readRecord(segment: Segment, at: number): Uint8Array | undefined {
  const offset = segment.index.readUInt32LE(at + PATH_END)
  const length = segment.index.readUInt32LE(at + PATH_END + 4)
  if (offset + length > segment.size) return undefined
  // The pool of Node hands out unaligned buffers.
  const record = Buffer.allocUnsafeSlow(length)
  return readSync(segment.fd, record, 0, length, offset) === length ? record : undefined
}

function merge(entries: Entry[], segments: readonly Segment[]): Entry[] {
  const merged = entries.slice()
  const paths = new Set(entries.map((entry) => entry.identity.slice(KEY_SIZE)))
  for (const segment of segments) {
    const newer: string[] = []
    for (let at = 0; at < segment.index.length; at += ENTRY_SIZE) {
      const identity = segment.index.toString('latin1', at, at + PATH_END)
      const path = identity.slice(KEY_SIZE)
      if (paths.has(path)) continue
      const record = readRecord(segment, at)
      if (record === undefined) continue
      newer.push(path)
      merged.push({ identity, record })
    }
    for (const path of newer) paths.add(path)
  }
  return merged
}

function encodeSegment(entries: Entry[]): Buffer {
  const sorted = entries.toSorted((a, b) => (a.identity < b.identity ? -1 : 1))
  const indexSize = sorted.length * ENTRY_SIZE
  let size = HEADER_SIZE + indexSize
  for (const { record } of sorted) size += padded(record.length)
  const bytes = Buffer.alloc(size)
  let offset = HEADER_SIZE + indexSize
  for (const [i, { identity, record }] of sorted.entries()) {
    const at = HEADER_SIZE + i * ENTRY_SIZE
    bytes.write(identity, at, 'latin1')
    bytes.writeUInt32LE(offset, at + PATH_END)
    bytes.writeUInt32LE(record.length, at + PATH_END + 4)
    bytes.set(record, offset)
    offset += padded(record.length)
  }
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(sorted.length, 4)
  bytes.writeUInt32LE(size, 8)
  return bytes
}

function padded(length: number): number {
  return (length + 3) & ~3
}
