/**
 * Objects of repositories on the local disk: unpacked, verified, and under their hash. What lies here under its final name may be
 * believed; several processes may share the directory.
 *
 *     DIRECTORY/02/a7fab06f3e53c1e11f3e4fdd2bf8153c5b4df8C
 *     DIRECTORY/txn/…                                          what is on its way
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInflate } from 'node:zlib'
import { isSystemError, UserError } from '@baryon/format'
import {
  type ContentHash,
  contentHashesEqual,
  createContentHasher,
  formatContentHash,
  type ObjectKind,
  objectName,
} from './content-hash.ts'
import type { ObjectSource, OpenOptions } from './object-source.ts'

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

export function openObjectCache(directory: string): ObjectCache {
  const underway = new Map<string, Promise<string>>()
  mkdirSync(join(directory, 'txn'), { recursive: true, mode: 0o700 })
  return {
    directory,
    async fetch(source, wanted, signal) {
      // A file and a chunk may have the same hash, an object may be stored in two ways: by what is wanted, not by the hash alone.
      const name = objectName(wanted.hash, wanted.kind).slice('data/'.length) + (wanted.isCompressed ? '' : '-plain')
      const file = join(directory, name)
      if (existsSync(file)) return file
      const running = underway.get(name)
      if (running !== undefined) return running
      const work = fetchObject(directory, file, source, wanted, signal).finally(() => underway.delete(name))
      underway.set(name, work)
      return work
    },
  }
}

async function fetchObject(
  directory: string,
  file: string,
  source: ObjectSource,
  wanted: WantedObject,
  signal: AbortSignal | undefined,
): Promise<string> {
  const aside = join(directory, 'txn', `${process.pid}-${randomBytes(8).toString('hex')}`)
  try {
    await fetchToFile(aside, source, wanted, signal)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    renameSync(aside, file)
    return file
  } finally {
    rmSync(aside, { force: true })
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
    if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error
    throw new UserError('DISK_FULL', `no space left in ${dirname(file)}`, { hint: 'free some space', cause: error })
  } finally {
    closeSync(descriptor)
  }
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
    if (size > limit) throw new UserError('CVMFS_SIZE', `${what} unpacks to more than the declared ${limit} bytes`)
    yield piece
  }
  const actual = { algorithm: wanted.hash.algorithm, hex: hasher.digest('hex') }
  if (!contentHashesEqual(actual, wanted.hash)) throw corrupt(what, `its hash is ${formatContentHash(actual)}`)
  if (wanted.size !== undefined && size !== wanted.size) {
    throw new UserError('CVMFS_SIZE', `${what} has ${size} bytes unpacked instead of the declared ${wanted.size}`)
  }
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
    throw corrupt(what, cause.message)
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

function corrupt(what: string, problem: string): UserError {
  return new UserError('CVMFS_CORRUPT', `${what} is damaged: ${problem}`, {
    hint: 'use another server; whoever runs this one finds the damage with: baryon repository check',
  })
}
