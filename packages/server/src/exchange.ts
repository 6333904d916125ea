/**
 * Requests and responses without sockets: what a service answers is a function from the one to the other, and
 * `http-server.ts` is the only file that knows of HTTP connections.
 */
import { UserError } from '@baryon/format'
import type { Metrics } from './metrics.ts'

export interface CacheRequest {
  readonly method: string
  /** As sent: path and query, not decoded. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Chunks of the body, each valid until the next one is asked for. Reading it is what makes the client send it. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface CacheResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A string is a byte string. For HEAD the body is left out, whatever it is. */
  readonly body: string | Uint8Array | BodyStream
}

/** A body in pieces, pulled by whoever can send them: nobody reads ahead of a slow client. */
export interface BodyStream {
  /** Bytes in all, when that is known before. */
  readonly length: number | undefined
  /** The next piece, valid until the next call; undefined behind the last one. */
  read(): Promise<Uint8Array | undefined>
  /** Must be called when no more is read, at the end as well as before it. May be called again. */
  close(): void
}

export type Answer = CacheResponse | Promise<CacheResponse>

/** What stands behind the sockets. */
export interface WebService {
  handle(request: CacheRequest): Answer
  readonly metrics: Metrics
  /** The server is about to end. */
  drain(): void
}

export function isBodyStream(body: CacheResponse['body']): body is BodyStream {
  return typeof body !== 'string' && !(body instanceof Uint8Array)
}

/** One header's text; of repeated ones the first. */
export function headerOf(request: CacheRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export function textResponse(
  text: string,
  type = 'text/plain; charset=utf-8',
  headers: CacheResponse['headers'] = {},
): CacheResponse {
  return { status: 200, headers: { 'Content-Type': type, ...headers }, body: text }
}

/** What a client has done wrong, or the server cannot do: a status, and a coded line that people can read. */
export function errorResponse(status: number, error: UserError, headers: CacheResponse['headers'] = {}): CacheResponse {
  const hint = error.hint === undefined ? '' : `hint: ${error.hint}\n`
  return {
    status,
    // Proxies must not remember that something was missing: it may be built in the next minute.
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    body: Buffer.from(`error[${error.code}]: ${error.message}\n${hint}`),
  }
}

export function notFound(what: string): CacheResponse {
  return errorResponse(404, new UserError('NOT_FOUND', `this cache has no ${what}`))
}
