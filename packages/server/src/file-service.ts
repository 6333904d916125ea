/**
 * Files of directories over HTTP: whole or in part, with tags, and with what caches on the way may do with them. An address is
 * answered when `find` knows it, and the file is one, in its directory and not behind a link; there are no listings.
 */
import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSystemError, UserError } from '@baryon/format'
import { formatContentRange, parseRange } from './byte-range.ts'
import { isKnown, mayResume, notModified, tagOf } from './entity-tag.ts'
import { type CacheRequest, type CacheResponse, errorResponse, headerOf, type WebService } from './exchange.ts'
import { fileBody, readBytes } from './file-body.ts'
import { createMetrics } from './metrics.ts'

export interface ServedFile {
  /** Without links in it: as `realpath` gives it. */
  readonly directory: string
  /** Relative to the directory. */
  readonly name: string
  /** The contents never change under this name. Others are small, and replaced as a whole. */
  readonly isImmutable: boolean
  /** Of the contents, as a header has it. */
  readonly type: string
}

export interface FileServiceOptions {
  /** What is at a path (decoded; it may be anything); undefined: nothing. */
  find(path: string): ServedFile | undefined
  /** Seconds for which files that change may be used without asking again. */
  readonly maxAge: number
}

export function createFileService({ find, maxAge }: FileServiceOptions): WebService {
  return {
    metrics: createMetrics(),
    drain: () => undefined,
    handle: (request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const error = new UserError('METHOD_UNKNOWN', `the method ${request.method} does nothing here`)
        return errorResponse(405, error, { Allow: 'GET, HEAD' })
      }
      const path = pathOf(request.target)
      const file = path === undefined ? undefined : find(path)
      if (file === undefined) return nothing()
      let descriptor: number | undefined
      try {
        descriptor = openInside(file)
      } catch (error) {
        if (!isSystemError(error, 'EACCES', 'EPERM')) throw error
        return errorResponse(403, new UserError('FILE_UNREADABLE', 'the server may not read this file'))
      }
      if (descriptor === undefined) return nothing()
      const opened = { descriptor, stat: fstatSync(descriptor) }
      if (!opened.stat.isFile()) {
        closeSync(descriptor)
        return nothing()
      }
      return file.isImmutable ? object(file, opened, request) : changing(file, opened, request, maxAge)
    },
  }
}

interface Opened {
  readonly descriptor: number
  readonly stat: Stats
}

/** Named by its contents: the name is its tag. */
function object(file: ServedFile, { descriptor, stat }: Opened, request: CacheRequest): CacheResponse {
  const tag = `"${file.name}"`
  const headers = {
    'Content-Type': file.type,
    'Cache-Control': 'public, max-age=31536000, immutable',
    'Last-Modified': stat.mtime.toUTCString(),
    'Accept-Ranges': 'bytes',
    ETag: tag,
  }
  const { size } = stat
  const range = mayResume(request, tag) ? parseRange(headerOf(request, 'range'), size) : undefined
  if (isKnown(request, tag) || range === 'unsatisfiable') {
    closeSync(descriptor)
    if (range !== 'unsatisfiable' || isKnown(request, tag)) return notModified(headers)
    const error = new UserError('RANGE_UNSATISFIABLE', `the file has ${size} bytes`)
    return errorResponse(416, error, { 'Content-Range': formatContentRange(undefined, size) })
  }
  const { start, end } = range ?? { start: 0, end: size }
  const body = fileBody(descriptor, start, end)
  if (range === undefined) return { status: 200, headers, body }
  return { status: 206, headers: { ...headers, 'Content-Range': formatContentRange(range, size) }, body }
}

/**
 * Read at once, so that nobody gets parts of two versions. Without a date: within one second there may be two of them, which
 * only the tag tells apart.
 */
function changing(file: ServedFile, opened: Opened, request: CacheRequest, maxAge: number): CacheResponse {
  const { descriptor, stat } = opened
  let bytes: Uint8Array
  try {
    bytes = readBytes(descriptor, 0, stat.size)
  } finally {
    closeSync(descriptor)
  }
  const tag = tagOf(bytes)
  const headers = {
    'Content-Type': file.type,
    'Cache-Control': `public, max-age=${maxAge}, must-revalidate`,
    ETag: tag,
  }
  return isKnown(request, tag) ? notModified(headers) : { status: 200, headers, body: bytes }
}

function pathOf(target: string): string | undefined {
  const query = target.indexOf('?')
  try {
    return decodeURIComponent(query < 0 ? target : target.slice(0, query))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** A pipe is opened without waiting for its other end, and found to be no file. */
function openInside({ directory, name }: ServedFile): number | undefined {
  const path = join(directory, name)
  if (!path.startsWith(`${directory}/`) || path.includes('\0')) return undefined
  try {
    if (realpathSync.native(dirname(path)) !== dirname(path)) return undefined
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG')) return undefined
    throw error
  }
}

function nothing(): CacheResponse {
  return errorResponse(404, new UserError('NOT_FOUND', 'there is no such file here'))
}
