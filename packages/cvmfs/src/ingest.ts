/** From contents to objects: cut, compressed by the threads of the process, hashed and stored, with bounded memory. */
import { closeSync, openSync, readSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { UserError } from '@baryon/format'
import { createCompressor } from './compress/compressor.ts'
import { freeMemory } from './compress/free-memory.ts'
import { deflateAsStock } from './compress/stock-deflate.ts'
import { type ContentHash, type HashAlgorithm, hashContent, type ObjectKind, objectName } from './content-hash.ts'
import type { Chunk } from './entry.ts'
import { CHUNK_SIZES, type ChunkSizes, firstChunk } from './find-cuts.ts'
import type { ObjectStorage } from './object-storage.ts'
import { readable } from './tree-source.ts'

export interface IngestOptions {
  readonly algorithm: HashAlgorithm
  readonly isCompressed: boolean
  /** Undefined: files are never cut. */
  readonly chunkSizes?: ChunkSizes | undefined
}

/** The objects that a file became. */
export interface Ingested {
  readonly hash: ContentHash | undefined
  readonly chunks: readonly Chunk[] | undefined
}

export interface Ingester {
  /** `size` is what the file had when it was looked at; throws `CVMFS_FILE_CHANGED` when it has another one, `CVMFS_TREE`. */
  file(path: string | Buffer, size: number): Promise<Ingested>
  bytes(bytes: Uint8Array, kind: ObjectKind): Promise<ContentHash>
  /** Bytes read and stored so far. */
  readonly done: { readonly plain: number; readonly stored: number; readonly objects: number }
  /** Gives up what is in work. */
  close(): void
}

export function createIngester(storage: ObjectStorage, options: IngestOptions): Ingester {
  const done = { plain: 0, stored: 0, objects: 0 }
  const memory = new Budget(MEMORY)

  const compressor = createCompressor(options.algorithm)

  /** The memory of `bytes` is given away. */
  const store = async (bytes: Uint8Array<ArrayBuffer>, kind: ObjectKind): Promise<ContentHash> => {
    const plain = bytes.length
    // Catalogs and the like are compressed in every repository.
    const isPlain = !options.isCompressed && (kind === 'file' || kind === 'chunk')
    const ready = isPlain ? bytes : isCopiedUnpacked(kind) ? deflateAsStock(bytes) : undefined
    const { stored, hash } =
      ready === undefined
        ? await compressor.compress(bytes)
        : { stored: ready, hash: hashContent(options.algorithm, ready) }
    done.plain += plain
    await putOnce(hash, kind, stored)
    freeMemory(stored)
    return hash
  }

  /** Equal contents may be in work at the same time. */
  const underway = new Map<string, Promise<void>>()
  const putOnce = (hash: ContentHash, kind: ObjectKind, stored: Uint8Array): Promise<void> => {
    const name = objectName(hash, kind)
    let work = underway.get(name)
    if (work === undefined) {
      work = putIfMissing(hash, kind, stored).finally(() => underway.delete(name))
      underway.set(name, work)
    }
    return work
  }
  const putIfMissing = async (hash: ContentHash, kind: ObjectKind, stored: Uint8Array): Promise<void> => {
    if ((await storage.size(hash, kind)) !== undefined) return
    await storage.put(hash, kind, stored)
    done.stored += stored.length
    done.objects++
  }

  return {
    done,
    bytes: (bytes, kind) => store(new Uint8Array(bytes), kind),
    close: () => compressor.close(),
    async file(path, size) {
      const sizes = options.chunkSizes ?? NEVER
      const unit = Math.min(size, sizes.most)
      const release = await memory.take(unit * 2)
      const descriptor = openToRead(path, release)
      try {
        if (size <= sizes.least || options.chunkSizes === undefined) {
          const bytes = readExactly(descriptor, size, path)
          return { hash: await store(bytes, 'file'), chunks: undefined }
        }
        const chunks: Chunk[] = []
        let rest = new Uint8Array(0)
        let offset = 0
        for (let left = size; left > 0 || rest.length > 0; ) {
          const more = Math.min(left, sizes.most - rest.length)
          rest = joined(rest, readSome(descriptor, more, path))
          left -= more
          const length = firstChunk(rest, left === 0, sizes)!
          // A file that is one piece is an ordinary object.
          if (length === size) return { hash: await store(rest, 'file'), chunks: undefined }
          chunks.push({ offset, size: length, hash: await store(new Uint8Array(rest.subarray(0, length)), 'chunk') })
          offset += length
          rest = rest.subarray(length)
        }
        checkEnd(descriptor, path)
        return { hash: undefined, chunks }
      } finally {
        closeSync(descriptor)
        release()
      }
    },
  }
}

/** The real replication stores what its own zlib makes of these, under the same names: see stock-deflate.ts. */
function isCopiedUnpacked(kind: ObjectKind): boolean {
  return kind === 'certificate' || kind === 'metainfo'
}

/** Bytes of contents in work at once, and of what they are compressed to: a large chunk for each thread, and one that is read. */
const MEMORY = Math.min(6, availableParallelism() + 1) * 2 * CHUNK_SIZES.most
const NEVER: ChunkSizes = { least: Number.MAX_SAFE_INTEGER, average: 1, most: Number.MAX_SAFE_INTEGER }

/** Lets work begin as long as there is room; work that is larger than all room goes alone. */
class Budget {
  #free: number
  readonly #most: number
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
    this.#free = most
  }

  async take(wanted: number): Promise<() => void> {
    const amount = Math.min(wanted, this.#most)
    while (this.#free < amount) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#free -= amount
    return () => {
      this.#free += amount
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}

/** `release` is called when that fails. */
function openToRead(path: string | Buffer, release: () => void): number {
  try {
    return readable(path.toString('latin1'), () => openSync(path, 'r'))
  } catch (error) {
    release()
    throw error
  }
}

function readExactly(descriptor: number, size: number, path: string | Buffer): Uint8Array<ArrayBuffer> {
  const bytes = readSome(descriptor, size, path)
  checkEnd(descriptor, path)
  return bytes
}

function readSome(descriptor: number, size: number, path: string | Buffer): Uint8Array<ArrayBuffer> {
  // Of its own memory, since that goes to a thread.
  const bytes = Buffer.allocUnsafeSlow(size)
  for (let filled = 0; filled < size; ) {
    const count = readSync(descriptor, bytes, filled, size - filled, null)
    if (count === 0) throw changed(path)
    filled += count
  }
  return bytes
}

/** Of the memory of both; they may not be used any more. */
function joined(first: Uint8Array<ArrayBuffer>, second: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (first.length === 0) return second
  const bytes = Buffer.allocUnsafeSlow(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  freeMemory(first)
  freeMemory(second)
  return bytes
}

function checkEnd(descriptor: number, path: string | Buffer): void {
  if (readSync(descriptor, Buffer.alloc(1)) > 0) throw changed(path)
}

function changed(path: string | Buffer): UserError {
  return new UserError('CVMFS_FILE_CHANGED', `'${path}' changed while it was published`, {
    hint: 'publish what nobody writes to',
  })
}
