/**
 * Objects of repositories on the local disk: unpacked, verified, and under their hash. What lies here under its final name may be
 * believed; several processes may share the directory.
 *
 *     DIRECTORY/02/a7fab06f3e53c1e11f3e4fdd2bf8153c5b4df8C
 *     DIRECTORY/txn/…                                          what is on its way
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInflate } from 'node:zlib'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { type ContentHash, createContentHasher, type ObjectKind, objectName } from './content-hash.ts'
import type { ObjectSource, OpenOptions } from './object-source.ts'
import { readSmallObject, SMALL } from './small-object.ts'
import { damaged, tooLarge, verifyObject } from './verify-object.ts'

export interface WantedObject {
  readonly hash: ContentHash
  readonly kind: ObjectKind
  /** False as well for who wants the bytes of a compressed one as they are stored. */
  readonly isCompressed: boolean
  /** Unpacked, in bytes; with `limit` instead when only a bound is known. */
  readonly size?: number | undefined
  readonly limit?: number
}

export interface ObjectCache {
  readonly directory: string
  /** The file with the contents of the object, fetched when it is not here. Throws `CVMFS_CORRUPT`, `CVMFS_SIZE`, or what the source throws. */
  fetch(source: ObjectSource, wanted: WantedObject, signal?: AbortSignal): Promise<string>
}

export interface ObjectCacheOptions {
  /** Called with the size of each object that was fetched, in bytes unpacked. */
  onStored?(size: number): void
}

export function openObjectCache(directory: string, options: ObjectCacheOptions = {}): ObjectCache {
  const underway = new Map<string, Promise<string>>()
  makeDirectories(join(directory, 'txn'), 0o700)
  return {
    directory,
    async fetch(source, wanted, signal) {
      const file = objectFile(directory, wanted)
      if (existsSync(file)) return file
      const running = underway.get(file)
      if (running !== undefined) return running
      const work = fetchObject(directory, file, source, wanted, signal)
        .then((size) => options.onStored?.(size))
        .then(() => file)
        .finally(() => underway.delete(file))
      underway.set(file, work)
      return work
    },
  }
}

/** Where a cache has the contents of an object, or would have them. */
export function objectFile(directory: string, { hash, kind, isCompressed }: WantedObject): string {
  // A file and a chunk may have the same hash, an object may be stored in two ways: by what is wanted, not by the hash alone.
  return join(directory, objectName(hash, kind).slice('data/'.length) + (isCompressed ? '' : '-plain'))
}

/** Threads of one process, and processes of several machines with one directory, have names of their own. */
const INSTANCE = randomBytes(6).toString('hex')
let last = 0

async function fetchObject(
  directory: string,
  file: string,
  source: ObjectSource,
  wanted: WantedObject,
  signal: AbortSignal | undefined,
): Promise<number> {
  const aside = join(directory, 'txn', `${process.pid}-${INSTANCE}-${++last}`)
  try {
    const size = await fetchToFile(aside, source, wanted, signal)
    renameInto(aside, file)
    return size
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}

function renameInto(aside: string, file: string): void {
  try {
    renameSync(aside, file)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
    makeDirectories(dirname(file), 0o700)
    renameSync(aside, file)
  }
}

/** Writes the contents of an object to a new file, and gives their size. What is damaged is asked for once more. */
export async function fetchToFile(
  file: string,
  source: ObjectSource,
  wanted: WantedObject,
  signal?: AbortSignal,
): Promise<number> {
  try {
    return await writeToFile(file, source, wanted, { signal })
  } catch (error) {
    if (!(error instanceof UserError) || (error.code !== 'CVMFS_CORRUPT' && error.code !== 'CVMFS_SIZE')) throw error
    // Some cache on the way, or one of several servers, may hold a damaged copy.
    rmSync(file, { force: true })
    return writeToFile(file, source, wanted, { signal, isAgain: true })
  }
}

/** The same, asked for once. */
export async function writeToFile(
  file: string,
  source: ObjectSource,
  wanted: WantedObject,
  options: OpenOptions = {},
): Promise<number> {
  if (wanted.size !== undefined && wanted.size <= SMALL) {
    const contents = await readSmallObject(source, { ...wanted, size: wanted.size }, options)
    writePiece(file, contents)
    return contents.length
  }
  let size = 0
  // The directories of a cache are closed to others; a replica is for everybody.
  const descriptor = openSync(file, 'wx', 0o644)
  try {
    for await (const piece of readObject(source, wanted, options)) {
      for (let written = 0; written < piece.length; ) written += writeSync(descriptor, piece, written)
      size += piece.length
    }
    return size
  } catch (error) {
    throw codedError(error, file)
  } finally {
    closeSync(descriptor)
  }
}

function writePiece(file: string, contents: Uint8Array): void {
  try {
    writeFileSync(file, contents, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    throw codedError(error, file)
  }
}

function codedError(error: unknown, file: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) return error
  return new UserError('DISK_FULL', `no space left in ${dirname(file)}`, { hint: 'free some space', cause: error })
}

/**
 * The contents of an object, unpacked. They are verified when all of them have come: what was given before an error
 * is worth nothing. Throws `CVMFS_CORRUPT`, `CVMFS_SIZE`, or what the source throws.
 */
export async function* readObject(
  source: ObjectSource,
  wanted: WantedObject,
  options: OpenOptions = {},
): AsyncGenerator<Uint8Array> {
  const name = objectName(wanted.hash, wanted.kind)
  const limit = wanted.size ?? wanted.limit ?? Number.POSITIVE_INFINITY
  const what = `${name} of ${source.name}`
  const hasher = createContentHasher(wanted.hash.algorithm)
  let size = 0
  const stored = hashed(source.open(name, options), hasher)
  for await (const piece of wanted.isCompressed ? inflated(stored, what) : stored) {
    size += piece.length
    if (size > limit) throw tooLarge(what, limit)
    yield piece
  }
  verifyObject(what, wanted, { algorithm: wanted.hash.algorithm, hex: hasher.digest('hex') }, size)
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hasher: { update(piece: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hasher.update(piece)
    yield piece
  }
}

/** Unpacks a zlib stream. */
async function* inflated(source: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflate(STREAM)
  void feed(source, inflate)
  try {
    yield* inflate as AsyncIterable<Buffer>
  } catch (cause) {
    if (!(cause instanceof Error) || !/^(Z_|ERR_)/.test(String((cause as NodeJS.ErrnoException).code))) throw cause
    throw damaged(what, cause.message)
  } finally {
    inflate.destroy()
  }
}

/** Objects, because an iteration over bytes would join what is unpacked ahead: a copy into fresh memory. */
const STREAM = { chunkSize: 256 * 1024, readableObjectMode: true, readableHighWaterMark: 1 }

async function feed(source: AsyncIterable<Uint8Array>, inflate: ReturnType<typeof createInflate>): Promise<void> {
  try {
    for await (const piece of source) {
      await new Promise<void>((resolve, reject) => {
        inflate.write(piece, (error) => (error ? reject(error) : resolve()))
      })
    }
    inflate.end()
  } catch (error) {
    inflate.destroy(error as Error)
  }
}
