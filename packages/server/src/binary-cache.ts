/**
 * A binary cache over a local store, as a function from requests to responses. It answers what is in memory at once and
 * leaves to threads whatever reads trees or waits.
 */
import { join } from 'node:path'
import { formatCacheInfo, isSystemError, type PublicKey, type SecretKey, UserError } from '@baryon/format'
import { openStore, type StoreLocation } from '@baryon/store'
import { refuseUpload } from './authorise.ts'
import { findBuildLog } from './build-log.ts'
import { isKnown, notModified, tagOf } from './entity-tag.ts'
import {
  type Answer,
  type CacheRequest,
  type CacheResponse,
  errorResponse,
  headerOf,
  notFound,
  textResponse,
  type WebService,
} from './exchange.ts'
import { createMetrics } from './metrics.ts'
import { narResponse } from './nar-response.ts'
import { createNarinfoIndex } from './narinfo-index.ts'
import { type NarCoding, narUrl, parseTarget, type Target } from './parse-target.ts'
import { createPathHolder } from './path-holder.ts'
import { createStagedUploads } from './staged-uploads.ts'
import { createStoreThread } from './store-thread.ts'
import { createStreamPool } from './stream-pool.ts'
import { debugMember } from './thread/debug-info-index.ts'
import { receiveUpload } from './uploads.ts'

export interface BinaryCacheOptions {
  /** The store; its paths are served as they are registered and collected by whomever. */
  readonly location: StoreLocation
  /** Sign every path that is served. */
  readonly keys?: readonly SecretKey[]
  /** What narinfo files offer; a NAR can be had in every coding. Default `none`. */
  readonly coding?: NarCoding
  /** Lower is asked first. Default 30. */
  readonly priority?: number
  /** Without a token there are no uploads. */
  readonly token?: string | undefined
  /** See `UploadPolicy`. */
  readonly trustedKeys?: readonly PublicKey[]
  /** Largest upload in bytes; default 64 GiB. */
  readonly uploadLimit?: number
  /** Threads that read NARs; default 2. */
  readonly readers?: number
  /** Milliseconds for which an uploaded file waits for its narinfo; default an hour. */
  readonly uploadPatience?: number
  /** Told once when paths cannot be kept from being collected while they are sent. */
  readonly onNotice?: (message: string) => void
}

export interface BinaryCache extends WebService {
  /** From now on the health check fails, so that a balancer sends its clients elsewhere. */
  drain(): void
  close(): Promise<void>
}

export function createBinaryCache(options: BinaryCacheOptions): BinaryCache {
  const { coding = 'none', priority = 30 } = options
  const location = copyLocation(options.location)
  const store = openStore({ ...location, readOnly: true })
  // Better now than at the first upload.
  if (options.token !== undefined) openStore(location).close()
  const metrics = createMetrics()
  const index = createNarinfoIndex(store, { keys: options.keys ?? [], coding })
  const readers = Array.from({ length: options.readers ?? 2 }, () => createStoreThread(location))
  const [keeper, importer, searcher] = Array.from({ length: 3 }, () => createStoreThread(location)) as [T, T, T]
  const streams = createStreamPool(readers)
  const holder = createPathHolder(keeper, options.onNotice)
  const staged = createStagedUploads(join(location.ownDirectory, 'uploads'), {
    size: options.uploadLimit ?? 2 ** 36,
    patience: options.uploadPatience ?? 3_600_000,
  })
  const uploads = {
    location,
    policy: { storeDirectory: location.storeDirectory, trustedKeys: options.trustedKeys ?? [] },
    staged,
    importer,
    metrics,
    isValid: (digest: string) => store.queryPathFromHashPart(digest) !== undefined,
  }
  let draining = false
  const cacheInfo = textResponse(
    formatCacheInfo({ storeDirectory: location.storeDirectory, wantMassQuery: true, priority }),
    'text/x-nix-cache-info',
    { 'Cache-Control': 'public, max-age=3600' },
  )
  metrics.gauge('baryon_cache_streams', 'Downloads from disk in progress.', () => streams.active)
  metrics.gauge('baryon_cache_narinfo_records', 'Narinfo records in memory.', () => index.size)

  const answer = (target: Target, request: CacheRequest): Answer => {
    switch (target.kind) {
      case 'narinfo':
        return narinfo(target.digest, request)
      case 'nar':
        return narResponse(
          { index, streams, holder, physicalPath: (path) => store.physicalPath(path) },
          target,
          request,
        )
      case 'cache-info':
        return cacheInfo
      case 'listing':
        return listing(target.digest, request)
      case 'log':
        return log(target.baseName, request)
      case 'debug-info':
        return debugInfo(target.buildId)
      case 'upload':
        return uploadedFile(target.fileHash, request)
      case 'health':
        return health()
      case 'metrics':
        return textResponse(metrics.format(), 'text/plain; version=0.0.4', { 'Cache-Control': 'no-store' })
    }
  }

  return {
    metrics,
    handle: (request) => {
      const target = parseTarget(request.target)
      const kind = target?.kind ?? 'unknown'
      const finish = (response: CacheResponse): CacheResponse => {
        metrics.add('baryon_cache_requests_total', `kind="${kind}",status="${response.status}"`)
        return response
      }
      try {
        const response = route(target, request)
        if (response instanceof Promise) return response.catch(failed).then(finish)
        return finish(response)
      } catch (error) {
        return finish(failed(error))
      }
    },
    drain: () => {
      draining = true
    },
    close: async () => {
      await Promise.all([...readers, keeper, importer, searcher].map((thread) => thread.close()))
      staged.close()
      store.close()
    },
  }

  function route(target: Target | undefined, request: CacheRequest): Answer {
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return target === undefined ? notFound('such address') : answer(target, request)
      case 'PUT': {
        const refusal = refuseUpload(request, options.token)
        if (refusal !== undefined) return refusal
        return target === undefined ? notFound('place for such an upload') : receiveUpload(uploads, target, request)
      }
      default:
        return errorResponse(405, new UserError('METHOD_UNKNOWN', `the method ${request.method} does nothing here`), {
          Allow: 'GET, HEAD, PUT',
        })
    }
  }

  function narinfo(digest: string, request: CacheRequest): CacheResponse {
    const entry = index.find(digest)
    if (entry === undefined) return notFound('such path')
    if (isKnown(request, entry.tag))
      return notModified({ ETag: entry.tag, 'Cache-Control': entry.headers['Cache-Control']! })
    return { status: 200, headers: entry.headers, body: entry.text }
  }

  async function listing(digest: string, request: CacheRequest): Promise<CacheResponse> {
    const entry = index.find(digest)
    if (entry === undefined) return notFound('such path')
    // Of the same contents, whatever their path is called.
    const headers = { 'Content-Type': 'application/json', ETag: tagOf(`listing ${entry.narHash}`), ...FOREVER }
    if (isKnown(request, headers.ETag)) return notModified(headers)
    const body = await readers[0]!.call('list', { path: store.physicalPath(entry.info.path) })
    return { status: 200, headers, body }
  }

  async function log(baseName: string, request: CacheRequest): Promise<CacheResponse> {
    const found = findBuildLog(location, baseName)
    if (found === undefined) return notFound('such log')
    // Only who says so gets zstd: curl and browsers often cannot read it, and Nix does not say what it can.
    const asStored =
      found.coding === 'zstd' && /\bzstd\b(?!;\s*q=0(?![.\d]*[1-9]))/.test(headerOf(request, 'accept-encoding') ?? '')
    return {
      status: 200,
      headers: {
        'Content-Type': 'text/plain; charset=utf-8',
        'Cache-Control': 'public, max-age=60',
        Vary: 'Accept-Encoding',
        ...(asStored ? { 'Content-Encoding': 'zstd' } : {}),
      },
      body: await streams.open({ kind: 'log', log: found, decode: !asStored }, undefined),
    }
  }

  async function debugInfo(buildId: string): Promise<CacheResponse> {
    const baseName = await searcher.call('findDebugInfo', { buildId })
    const entry = baseName === undefined ? undefined : index.find(baseName.slice(0, 32))
    if (entry === undefined) return notFound('debug file of that build-id')
    const record = {
      archive: `../${narUrl(entry.info.path.digest, entry.narHash, coding)}`,
      member: debugMember(buildId),
    }
    return textResponse(JSON.stringify(record), 'application/json', { 'Cache-Control': 'public, max-age=60' })
  }

  /** Clients ask before they upload. What waits for its narinfo is not given out. */
  function uploadedFile(fileHash: string, request: CacheRequest): CacheResponse {
    const file = request.method === 'HEAD' ? staged.find(fileHash) : undefined
    return file === undefined ? notFound('such file') : { status: 200, headers: NO_STORE, body: '' }
  }

  function health(): CacheResponse {
    if (draining) return errorResponse(503, new UserError('SERVER_STOPPED', 'the server is shutting down'))
    store.version()
    return textResponse('ok\n', 'text/plain', NO_STORE)
  }

  function failed(error: unknown): CacheResponse {
    const known = error instanceof UserError ? error : undefined
    if (known?.code === 'SERVER_BUSY' || known?.code === 'SERVER_STOPPED' || known?.code === 'STORE_BUSY')
      return errorResponse(503, known, { 'Retry-After': '2' })
    // Between the question to the database and the look at the disk, a collection has come.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return notFound('such path any more')
    metrics.add('baryon_cache_internal_errors_total', `code="${known?.code ?? codeOf(error)}"`)
    options.onNotice?.(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    // What the system says may name files that are none of the client's business.
    return errorResponse(500, new UserError(known?.code ?? 'INTERNAL', 'the server cannot read its store'))
  }
}

/** Plain data, which can be given to threads; an open store is a location, too. */
function copyLocation(from: StoreLocation): StoreLocation {
  const { storeDirectory, physicalDirectory, stateDirectory, logDirectory, ownDirectory } = from
  return { storeDirectory, physicalDirectory, stateDirectory, logDirectory, ownDirectory }
}

type T = ReturnType<typeof createStoreThread>

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
}

const FOREVER = { 'Cache-Control': 'public, max-age=31536000, immutable' }
const NO_STORE = { 'Cache-Control': 'no-store' }
