/** The NAR of a path, whole or in part, dumped while it is sent. */

import type { StorePath } from '@baryon/format'
import { UserError } from '@baryon/format'
import { type ByteRange, formatContentRange, parseRange } from './byte-range.ts'
import { compressBody } from './compress-body.ts'
import { isKnown, mayResume, notModified } from './entity-tag.ts'
import {
  type BodyStream,
  type CacheRequest,
  type CacheResponse,
  errorResponse,
  headerOf,
  notFound,
} from './exchange.ts'
import type { NarinfoEntry, NarinfoIndex } from './narinfo-index.ts'
import type { Target } from './parse-target.ts'
import type { PathHolder } from './path-holder.ts'
import type { StreamPool } from './stream-pool.ts'

export interface NarServices {
  readonly index: NarinfoIndex
  readonly streams: StreamPool
  readonly holder: PathHolder
  physicalPath(path: StorePath): string
}

type NarTarget = Extract<Target, { kind: 'nar' }>

export function narResponse(
  services: NarServices,
  target: NarTarget,
  request: CacheRequest,
): CacheResponse | Promise<CacheResponse> {
  const entry = find(services, target)
  if (entry === undefined) return notFound('such NAR')
  const tag = `"${target.narHash}${target.coding === 'none' ? '' : `-${target.coding}`}"`
  const headers = {
    'Content-Type': 'application/x-nix-nar',
    'Cache-Control': 'public, max-age=31536000, immutable',
    ETag: tag,
    // The bytes of what is compressed on the fly are not the same each time a library is updated.
    'Accept-Ranges': target.coding === 'none' ? 'bytes' : 'none',
  }
  if (isKnown(request, tag)) return notModified(headers)
  const size = entry.info.narSize
  if (target.coding !== 'none') return whole(services, target, request, { status: 200, headers }, size)
  const range = mayResume(request, tag) ? parseRange(headerOf(request, 'range'), size) : undefined
  if (range === 'unsatisfiable') {
    const error = new UserError('RANGE_UNSATISFIABLE', `the NAR has ${size} bytes`)
    return errorResponse(416, error, { 'Content-Range': formatContentRange(undefined, size) })
  }
  if (range === undefined) return whole(services, target, request, { status: 200, headers }, size)
  const partial = { ...headers, 'Content-Range': formatContentRange(range, size) }
  return respond(services, target, request, { status: 206, headers: partial }, range)
}

type Head = Pick<CacheResponse, 'status' | 'headers'>

function whole(services: NarServices, target: NarTarget, request: CacheRequest, head: Head, size: number) {
  return respond(services, target, request, head, { start: 0, end: size })
}

async function respond(
  services: NarServices,
  target: NarTarget,
  request: CacheRequest,
  head: Head,
  range: ByteRange,
): Promise<CacheResponse> {
  const length = range.end - range.start
  if (request.method === 'HEAD') return { ...head, body: emptyBody(target.coding === 'none' ? length : undefined) }
  const entry = find(services, target)!
  const release = await services.holder.hold(entry.info.path)
  // Only now that it is protected does it matter that it is still there.
  if (services.index.findNow(target.digest)?.narHash !== target.narHash) {
    release()
    return notFound('such NAR any more')
  }
  const path = services.physicalPath(entry.info.path)
  const body = await services.streams.open({ kind: 'nar', path, ...range }, length, release)
  return { ...head, body: target.coding === 'none' ? body : compressBody(body, target.coding) }
}

/** The path, when its contents are those that the URL speaks of: it may have been made anew since the client read its narinfo. */
function find(services: NarServices, target: NarTarget): NarinfoEntry | undefined {
  const entry = services.index.find(target.digest)
  return entry?.narHash === target.narHash ? entry : undefined
}

function emptyBody(length: number | undefined): BodyStream {
  return { length, read: async () => undefined, close: () => undefined }
}
