/**
 * A cache of small blobs on disk, keyed by a path and a fingerprint of the file there: parsed files, hashes of sources.
 *
 * The directory holds segments, each written once under a temporary name and renamed, so that any number of processes
 * may read and write at once and a kill at any moment costs at most what was new. A segment is (little-endian):
 * magic "BPK1", number of entries, checksum of the index, size of the file; the index, sorted by key, of 32-byte
 * entries (16 bytes key, 8 bytes path, offset and length of the blob); the blobs, each at a multiple of 4.
 * A damaged segment is ignored. When there are too many, one writer merges them and keeps the newest blob of each path.
 */
import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'
import { isSystemError } from '@baryon/format'

export interface PackCache {
  /** The blob (aligned to 4 bytes, owned by the caller), or undefined. */
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

const MAGIC = 0x314b5042
const HEADER_SIZE = 16
const ENTRY_SIZE = 32
const KEY_SIZE = 16
/** More segments than this are merged: each costs an open and a search per miss. */
const SEGMENT_LIMIT = 12
const SUFFIX = '.pack'
/** Tells segments of the same millisecond apart. */
let written = 0

interface Entry {
  /** Latin-1 text of the 24 bytes of key and path digest. */
  readonly identity: string
  readonly blob: Uint8Array
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
    const key = keyOf(path, fingerprint)
    const fresh = this.#fresh.get(key)
    if (fresh !== undefined) return fresh.blob
    const bytes = Buffer.from(key, 'latin1')
    for (const segment of this.#opened()) {
      const at = findEntry(segment, bytes)
      if (at >= 0) return readBlob(segment, at)
    }
    return undefined
  }

  put(path: string, fingerprint: string, blob: Uint8Array): void {
    const key = keyOf(path, fingerprint)
    this.#fresh.set(key, { identity: key + digest(path, 8), blob })
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

/** Temporary files of processes that were killed. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.tmp')) continue
    const stat = statSync(`${directory}/${name}`, { throwIfNoEntry: false })
    if (stat !== undefined && Date.now() - stat.mtimeMs > 3_600_000) rmSync(`${directory}/${name}`, { force: true })
  }
}

function keyOf(path: string, fingerprint: string): string {
  return digest(`${path}\0${fingerprint}`, KEY_SIZE)
}

function digest(text: string, size: number): string {
  return hash('sha256', Buffer.from(text, 'latin1'), 'latin1').slice(0, size)
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
    if (HEADER_SIZE + indexSize <= size && header.readUInt32LE(12) === size) {
      const index = Buffer.allocUnsafeSlow(indexSize)
      const complete = readSync(fd, index, 0, indexSize, HEADER_SIZE) === indexSize
      if (complete && checksum(index) === header.readUInt32LE(8)) return { name, fd, size, index, count }
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

function readBlob(segment: Segment, at: number): Uint8Array | undefined {
  const offset = segment.index.readUInt32LE(at + 24)
  const length = segment.index.readUInt32LE(at + 28)
  if (offset + length > segment.size) return undefined
  // The pool of Node hands out unaligned buffers.
  const blob = Buffer.allocUnsafeSlow(length)
  return readSync(segment.fd, blob, 0, length, offset) === length ? blob : undefined
}

function merge(entries: Entry[], segments: readonly Segment[]): Entry[] {
  const merged = entries.slice()
  const paths = new Set(entries.map((entry) => entry.identity.slice(KEY_SIZE)))
  for (const segment of segments) {
    const newer: string[] = []
    for (let at = 0; at < segment.index.length; at += ENTRY_SIZE) {
      const identity = segment.index.toString('latin1', at, at + KEY_SIZE + 8)
      const path = identity.slice(KEY_SIZE)
      if (paths.has(path)) continue
      const blob = readBlob(segment, at)
      if (blob === undefined) continue
      newer.push(path)
      merged.push({ identity, blob })
    }
    for (const path of newer) paths.add(path)
  }
  return merged
}

function encodeSegment(entries: Entry[]): Buffer {
  const sorted = entries.toSorted((a, b) => (a.identity < b.identity ? -1 : 1))
  const indexSize = sorted.length * ENTRY_SIZE
  let size = HEADER_SIZE + indexSize
  for (const { blob } of sorted) size += padded(blob.length)
  const bytes = Buffer.alloc(size)
  let offset = HEADER_SIZE + indexSize
  for (const [i, { identity, blob }] of sorted.entries()) {
    const at = HEADER_SIZE + i * ENTRY_SIZE
    bytes.write(identity, at, 'latin1')
    bytes.writeUInt32LE(offset, at + 24)
    bytes.writeUInt32LE(blob.length, at + 28)
    bytes.set(blob, offset)
    offset += padded(blob.length)
  }
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(sorted.length, 4)
  bytes.writeUInt32LE(checksum(bytes.subarray(HEADER_SIZE, HEADER_SIZE + indexSize)), 8)
  bytes.writeUInt32LE(size, 12)
  return bytes
}

function padded(length: number): number {
  return (length + 3) & ~3
}

function checksum(bytes: Buffer): number {
  return Number.parseInt(hash('sha256', bytes, 'hex').slice(0, 8), 16)
}
