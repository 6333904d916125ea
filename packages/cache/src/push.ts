import { availableParallelism } from 'node:os'
import { inParallel } from '@baryon/cvmfs'
import {
  type Narinfo,
  parseContentAddress,
  pathFingerprint,
  type SecretKey,
  type StorePath,
  sign,
  storePathBaseName,
} from '@baryon/format'
import { hashPath, type PathInfo, type Store } from '@baryon/store'
import { openCache } from './binary-cache.ts'
import type { WritableCompression } from './compress-nar.ts'
import type { LookupCache } from './lookup-cache.ts'
import type { OnTransfer } from './transfer-event.ts'
import type { CacheAddress, PackedNar } from './transfer-job.ts'
import { createTransferPool, type TransferPool } from './transfer-pool.ts'

export interface PushOptions {
  readonly compression: WritableCompression
  readonly compressionLevel?: number | undefined
  /** Sign what is pushed, beside the signatures that the store has. */
  readonly keys?: readonly SecretKey[]
  readonly writeListing?: boolean
  readonly indexDebugInfo?: boolean
  /** Gives the log of a derivation, to be pushed with its outputs. */
  readonly readLog?: ((derivation: StorePath) => Promise<Uint8Array | undefined>) | undefined
  /** Only the paths themselves. */
  readonly noClosure?: boolean
  /** Paths in work at once; default: twice the processors. */
  readonly jobs?: number | undefined
  readonly lookups?: LookupCache | undefined
  readonly onEvent?: OnTransfer | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PushReport {
  /** References before referrers. */
  readonly pushed: readonly StorePath[]
  /** Paths of the closure that the cache had. */
  readonly present: number
  readonly narBytes: number
  readonly fileBytes: number
}

/**
 * Puts the closure of the paths into a cache, as far as it is missing there. The cache is sound at any moment: an archive is
 * complete before its narinfo appears, and a narinfo appears after those of its references.
 */
export async function pushPaths(
  store: Store,
  address: CacheAddress,
  paths: readonly StorePath[],
  options: PushOptions,
): Promise<PushReport> {
  const { onEvent, jobs = 2 * availableParallelism() } = options
  const failed = new AbortController()
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal])
  const cache = openCache(address.url, address.options)
  store.addTempRoot(...paths)
  const closure = options.noClosure === true ? [...paths] : store.computeClosure(paths)
  await cache.initialise(signal)
  const there = await inParallel(LOOKUPS_AT_ONCE, closure, (path) => cache.has(path, signal))
  const missing = store.topologicalOrder(closure.filter((_path, index) => !there[index]))
  const infos = missing.map((path) => withSize(store, store.pathInfo(path)))
  onEvent?.({ kind: 'planned', paths: infos.length, bytes: infos.reduce((sum, info) => sum + info.narSize, 0) })

  const pool = createTransferPool()
  const done = new Map<string, Promise<void>>()
  let narBytes = 0
  let fileBytes = 0
  const push = async (info: PathInfo): Promise<void> => {
    const begin = performance.now()
    onEvent?.({ kind: 'started', path: info.path })
    const seconds = (): number => (performance.now() - begin) / 1000
    try {
      const packed = await pack(store, pool, address, info, options, signal)
      await pushLog(info, options, (name, bytes) => cache.putFile(name, { kind: 'bytes', bytes }, signal))
      // They were started before, so that waiting for them with a slot in hand cannot stop everything.
      const others = info.references.filter(({ digest }) => digest !== info.path.digest)
      await Promise.all(others.map((reference) => done.get(storePathBaseName(reference))))
      await cache.putNarinfo(narinfoOf(store, info, packed, options), signal)
      // That it is missing may be remembered; what the server makes of our record is its own affair.
      options.lookups?.forget(cache.name, info.path.digest)
      narBytes += info.narSize
      fileBytes += packed.fileSize
      onEvent?.({ kind: 'finished', path: info.path, seconds: seconds() })
    } catch (error) {
      onEvent?.({ kind: 'failed', path: info.path, seconds: seconds(), error: error as Error })
      failed.abort(error)
      throw error
    }
  }
  try {
    await inParallel(Math.max(1, jobs), infos, (info) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      promise.catch(() => undefined)
      done.set(storePathBaseName(info.path), promise)
      return push(info).then(resolve, (error: unknown) => {
        reject(error)
        throw error
      })
    })
  } finally {
    await pool.close()
  }
  return { pushed: missing, present: closure.length - missing.length, narBytes, fileBytes }
}

const LOOKUPS_AT_ONCE = 32

/** Stores of old did not record sizes. */
function withSize(store: Store, info: PathInfo): PathInfo {
  return info.narSize > 0 ? info : { ...info, narSize: hashPath(store.physicalPath(info.path)).size }
}

function pack(
  store: Store,
  pool: TransferPool,
  cache: CacheAddress,
  info: PathInfo,
  options: PushOptions,
  signal: AbortSignal,
): Promise<PackedNar> {
  const { path, narHash, narSize } = info
  const job = {
    cache,
    path,
    source: store.physicalPath(path),
    narHash,
    narSize,
    compression: options.compression,
    level: options.compressionLevel,
    writeListing: options.writeListing === true,
    indexDebugInfo: options.indexDebugInfo === true,
  }
  return pool.run('pack', job, narSize, signal, (bytes) =>
    options.onEvent?.({ kind: 'progress', path, bytes, total: narSize }),
  )
}

async function pushLog(
  { deriver }: PathInfo,
  { readLog }: PushOptions,
  put: (name: string, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const log = deriver === undefined ? undefined : await readLog?.(deriver)
  if (log !== undefined) await put(`log/${storePathBaseName(deriver!)}`, log)
}

function narinfoOf(store: Store, info: PathInfo, packed: PackedNar, options: PushOptions): Narinfo {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress } = info
  const fingerprint = pathFingerprint(store.storeDirectory, info)
  const own = (options.keys ?? []).map((key) => sign(key, fingerprint))
  return {
    path,
    url: packed.url,
    compression: options.compression,
    fileHash: packed.fileHash,
    fileSize: packed.fileSize,
    narHash,
    narSize,
    references,
    ...(deriver === undefined ? {} : { deriver }),
    signatures: [...new Set([...signatures, ...own])],
    ...(contentAddress === undefined ? {} : { contentAddress: parseContentAddress(contentAddress) }),
  }
}
