/** The two kinds of heavy work, in the form in which they can be handed to another thread. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import {
  createHasher,
  formatHash,
  type Hash,
  hashesEqual,
  type Narinfo,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { createNarReceiver, type NarObserver, type NewPathInfo, narChunks } from '@baryon/store'
import { type BinaryCache, type CacheOptions, openCache } from './binary-cache.ts'
import { type CompressedFile, compressNar, FILE_SUFFIXES, type WritableCompression } from './compress-nar.ts'
import { debugLinks } from './debug-info.ts'
import { writable } from './file-transport.ts'
import { createListingBuilder, formatListing } from './nar-listing.ts'

/** A cache, to be opened by whoever gets this. */
export interface CacheAddress {
  readonly url: string
  readonly options: CacheOptions
}

/** Takes a path out of a cache and puts it together at a reserved place of a store. */
export interface UnpackJob {
  readonly cache: CacheAddress
  readonly narinfo: Narinfo
  readonly info: NewPathInfo
  readonly location: string
}

/** Puts the archive of a path, and what is derived from it, into a cache. */
export interface PackJob {
  readonly cache: CacheAddress
  readonly path: StorePath
  /** Where it is on disk. */
  readonly source: string
  readonly narHash: Hash
  readonly narSize: number
  readonly compression: WritableCompression
  readonly level: number | undefined
  readonly writeListing: boolean
  readonly indexDebugInfo: boolean
}

export interface PackedNar {
  readonly url: string
  readonly fileHash: Hash
  readonly fileSize: number
}

export interface JobKinds {
  readonly unpack: { readonly request: UnpackJob; readonly result: null }
  readonly pack: { readonly request: PackJob; readonly result: PackedNar }
}

export type JobKind = keyof JobKinds

/** Told of bytes: of the file when unpacking, of the archive when packing. */
export type OnBytes = (bytes: number) => void

export interface JobControl {
  readonly signal: AbortSignal
  readonly onBytes: OnBytes
  /** True before the signal can tell: synchronous work lets no message in. */
  readonly isAborted: () => boolean
}

export function runJob<K extends JobKind>(
  kind: K,
  request: JobKinds[K]['request'],
  control: JobControl,
): Promise<JobKinds[K]['result']> {
  return kind === 'unpack'
    ? (unpack(request as UnpackJob, control) as Promise<JobKinds[K]['result']>)
    : (pack(request as PackJob, control) as Promise<JobKinds[K]['result']>)
}

async function unpack(job: UnpackJob, { signal, onBytes, isAborted }: JobControl): Promise<null> {
  const cache = open(job.cache)
  const receiver = createNarReceiver(job.location, job.info)
  try {
    for await (const chunk of cache.nar(job.narinfo, { signal, onProgress: onBytes })) {
      if (isAborted()) throw new UserError('INTERRUPTED', 'interrupted')
      receiver.write(chunk)
    }
    receiver.finish()
    return null
  } catch (error) {
    receiver.abort()
    throw error
  }
}

async function pack(job: PackJob, control: JobControl): Promise<PackedNar> {
  const cache = open(job.cache)
  const { signal } = control
  const builder = job.writeListing || job.indexDebugInfo ? createListingBuilder() : undefined
  const packed =
    job.compression === 'none' && !cache.isLocal
      ? await streamNar(job, cache, builder, control)
      : await storeNar(job, cache, builder, control)
  if (builder !== undefined) {
    const root = builder.root()
    const put = (name: string, text: string) =>
      cache.putFile(name, { kind: 'bytes', bytes: Buffer.from(text, 'latin1') }, signal)
    if (job.writeListing) await put(`${job.path.digest}.ls`, formatListing(root))
    for (const link of job.indexDebugInfo ? debugLinks(root, packed.url) : []) {
      if (!(await cache.hasFile(link.name, signal))) await put(link.name, link.text)
    }
  }
  return packed
}

/** Without compression hash and size of the file are known before: it goes straight to the server. */
async function streamNar(
  job: PackJob,
  cache: BinaryCache,
  observer: NarObserver | undefined,
  { signal, onBytes }: JobControl,
): Promise<PackedNar> {
  const { narHash, narSize } = job
  const url = narUrl(narHash, 'none')
  const open = function* (): Generator<Uint8Array> {
    const hasher = createHasher('sha256')
    let bytes = 0
    for (const chunk of narChunks(job.source, { observer })) {
      hasher.update(chunk)
      bytes += chunk.length
      onBytes(bytes)
      yield chunk
    }
    expectHash(job, hasher.digest())
  }
  await cache.putFile(url, { kind: 'stream', size: narSize, sha256: narHash, open }, signal)
  return { url, fileHash: narHash, fileSize: narSize }
}

async function storeNar(
  job: PackJob,
  cache: BinaryCache,
  observer: NarObserver | undefined,
  { signal, onBytes, isAborted }: JobControl,
): Promise<PackedNar> {
  const directory = cache.scratchDirectory ?? tmpdir()
  const path = join(directory, `.${job.path.digest}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`)
  const file = writable(path, () => {
    makeDirectories(directory)
    return openSync(path, 'wx', 0o644)
  })
  let result: CompressedFile
  try {
    const sink = (chunk: Uint8Array): void =>
      writable(path, () => {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at)
      })
    result = await compressNar(job.source, job.compression, job.level, sink, { observer, onBytes, isAborted })
    expectHash(job, result.narHash)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  const { fileHash, fileSize } = result
  const url = narUrl(fileHash, job.compression)
  await cache.putFile(url, { kind: 'file', path, size: fileSize, sha256: fileHash }, signal)
  return { url, fileHash, fileSize }
}

function narUrl(fileHash: Hash, compression: WritableCompression): string {
  return `nar/${formatHash(fileHash, 'nix32', false)}.nar${FILE_SUFFIXES[compression]}`
}

/** What was damaged on disk must not spread. */
function expectHash({ path, narHash }: PackJob, actual: Hash): void {
  if (hashesEqual(actual, narHash)) return
  throw new UserError(
    'PATH_CORRUPT',
    `the contents of '${storePathBaseName(path)}' have changed: ${formatHash(narHash, 'sri')} is registered, ${formatHash(actual, 'sri')} is there`,
    { hint: 'repair the store first: baryon store verify --check-contents' },
  )
}

const opened = new Map<string, BinaryCache>()

/** Connections are shared anyway; what this saves is reading credentials again. */
function open({ url, options }: CacheAddress): BinaryCache {
  const key = JSON.stringify([url, options])
  let cache = opened.get(key)
  if (cache === undefined) {
    cache = openCache(url, options)
    opened.set(key, cache)
  }
  return cache
}
