/**
 * Uploading a path, as Nix does it: `PUT nar/FILEHASH.nar.xz`, then `PUT HASHPART.narinfo`. The file is kept aside until its
 * narinfo says what it is; then it is unpacked, verified and registered, or refused and removed.
 *
 * Build logs join those of the store, if it has none of that derivation. Listings, debug info and `nix-cache-info` are made from the store whenever somebody asks: those that are uploaded are
 * accepted, for clients insist, and forgotten.
 */
import { rmSync } from 'node:fs'
import { formatContentAddress, formatHash, type Narinfo, UserError } from '@baryon/format'
import type { NewPathInfo, StoreLocation } from '@baryon/store'
import { type CacheRequest, type CacheResponse, errorResponse, notFound } from './exchange.ts'
import type { Metrics } from './metrics.ts'
import type { Target } from './parse-target.ts'
import { receiveLog } from './receive-log.ts'
import type { StagedUploads } from './staged-uploads.ts'
import type { StoreThread } from './store-thread.ts'
import { checkUpload, type UploadPolicy } from './upload-policy.ts'

export interface UploadServices {
  readonly location: StoreLocation
  readonly policy: UploadPolicy
  readonly staged: StagedUploads
  readonly importer: StoreThread
  readonly metrics: Metrics
  isValid(digest: string): boolean
}

/** Answers an authorised PUT. */
export async function receiveUpload(
  services: UploadServices,
  target: Target,
  request: CacheRequest,
): Promise<CacheResponse> {
  try {
    switch (target.kind) {
      case 'upload':
        await services.staged.receive(target.fileHash, request.body)
        return STORED
      case 'narinfo':
        return await receiveNarinfo(services, target.digest, request)
      case 'log':
        await receiveLog(services.location, target.baseName, request.body)
        return STORED
      case 'listing':
      case 'debug-info':
      case 'cache-info':
        await readText(request, MAX_FORGOTTEN)
        return STORED
      default:
        return notFound('place for such an upload')
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const status = STATUS[error.code] ?? 400
    if (status >= 500) services.metrics.add('baryon_cache_internal_errors_total', `code="${error.code}"`)
    return errorResponse(status, error)
  }
}

async function receiveNarinfo(services: UploadServices, digest: string, request: CacheRequest): Promise<CacheResponse> {
  const text = await readText(request, MAX_NARINFO)
  // Whatever comes of the narinfo, the file that it speaks of is used up by it.
  const fileHash = URL_LINE.exec(text)?.[1]
  const file = fileHash === undefined ? undefined : services.staged.take(fileHash)
  try {
    const info = checkUpload(services.policy, digest, text)
    if (fileHash === undefined || file === undefined) {
      // Two clients with the same path: the second finds all done.
      if (services.isValid(digest)) return STORED
      throw new UserError('UPLOAD_NAR_MISSING', `nothing was uploaded as '${info.url}'`, {
        hint: 'upload the NAR first, then its narinfo',
      })
    }
    checkFile(info, fileHash, file.size)
    await services.importer.call('import', { file: file.path, compression: info.compression, info: asPathInfo(info) })
    services.metrics.add('baryon_cache_imported_paths_total', '')
    return STORED
  } finally {
    if (file !== undefined) rmSync(file.path, { force: true })
  }
}

/** What the narinfo says of the file; that of the NAR is checked when it has been unpacked. */
function checkFile(info: Narinfo, fileHash: string, size: number): void {
  if (info.fileSize !== undefined && info.fileSize !== size) {
    throw new UserError('SIZE_MISMATCH', `the uploaded file has ${size} bytes, its narinfo says ${info.fileSize}`)
  }
  const declared = info.fileHash
  if (declared !== undefined && formatHash(declared, 'nix32', false) !== fileHash) {
    throw new UserError('UPLOAD_HASH_MISMATCH', 'FileHash and URL of the narinfo say different things')
  }
}

function asPathInfo(info: Narinfo): NewPathInfo {
  return {
    path: info.path,
    narHash: info.narHash,
    narSize: info.narSize,
    references: info.references,
    deriver: info.deriver,
    signatures: info.signatures,
    contentAddress: info.contentAddress === undefined ? undefined : formatContentAddress(info.contentAddress),
  }
}

async function readText(request: CacheRequest, limit: number): Promise<string> {
  let text = ''
  for await (const chunk of request.body) {
    text += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    if (text.length > limit) throw new UserError('UPLOAD_TOO_LARGE', `the upload is larger than ${limit} bytes`)
  }
  return text
}

const STORED: CacheResponse = { status: 200, headers: { 'Content-Type': 'text/plain' }, body: '' }
const URL_LINE = /^URL: *nar\/([0-9abcdfghijklmnpqrsvwxyz]{52})\.nar(?:\.[a-z0-9]{1,8})?$/m
/** 10,000 references. */
const MAX_NARINFO = 1 << 20
/** The listing of a million files. */
const MAX_FORGOTTEN = 1 << 27

/** Where it is not that the client should send something else. */
const STATUS: Readonly<Record<string, number>> = {
  UPLOAD_NAR_MISSING: 409,
  REFERENCE_INVALID: 409,
  UPLOAD_TOO_LARGE: 413,
  UPLOAD_UNTRUSTED: 403,
  UPLOAD_TOO_SLOW: 408,
  UPLOAD_CUT: 400,
  DISK_FULL: 507,
  STORE_BUSY: 503,
  STORE_READ_ONLY: 500,
  STORE_UNWRITABLE: 500,
  STORE_CORRUPT: 500,
  STORE_IO: 500,
  FILE_UNWRITABLE: 500,
  LOCK_TIMEOUT: 503,
  SERVER_STOPPED: 503,
}
