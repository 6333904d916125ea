import { createReadStream, rmSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { connectionFailure, type FetchFailure, type HttpResponse, requestHttp, statusFailure } from '@baryon/fetch'
import { type Hash, hashBytes, isSystemError, UserError } from '@baryon/format'
import { fileMissing, tooLarge } from './cache-error.ts'
import { type RetryPolicy, withRetries } from './retry.ts'
import { type Body, TransientError, type Transport } from './transport.ts'

export interface HttpOptions {
  /** For messages. */
  readonly url: string
  readonly retries: RetryPolicy
  /** Milliseconds without a byte, before and within the answer. */
  readonly timeouts: { readonly connect: number; readonly stall: number }
  readonly urlOf: (name: string) => URL
  /** Headers that authorise the request; the hash is that of the body. */
  readonly authorise: (method: Method, url: URL, body: Hash | undefined, headers: Headers) => Headers
}

export type Method = 'GET' | 'HEAD' | 'PUT'
export type Headers = Readonly<Record<string, string>>

/** A cache on a web server; connections are kept and shared by all requests of the thread, sixteen at once to a server. */
export function httpTransport(options: HttpOptions): Transport {
  const { url: shown, retries } = options
  return {
    url: shown,
    isLocal: false,
    scratchDirectory: undefined,
    get: (name, limit, signal) =>
      withRetries(retries, signal, async () => {
        const response = await send(options, 'GET', name, {}, signal)
        if (isMissing(response)) return undefined
        expectStatus(options, name, response, [200])
        return decode(await collect(options, name, response, limit, signal), response, shown, name, limit)
      }),
    has: (name, signal) =>
      withRetries(retries, signal, async () => {
        const response = await send(options, 'HEAD', name, {}, signal)
        if (isMissing(response)) return false
        expectStatus(options, name, response, [200, 204])
        response.body.resume()
        return true
      }),
    async *read(name, offset, { signal }) {
      const range: Headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
      const response = await send(options, 'GET', name, range, signal)
      if (isMissing(response)) throw fileMissing(shown, name)
      expectStatus(options, name, response, offset > 0 ? [200, 206] : [200])
      // A server without ranges starts over: the hash says in the end whether the parts belong together.
      let skip = offset - startOf(response)
      if (skip < 0) {
        response.body.destroy()
        throw new TransientError(new UserError('FETCH_HTTP', `${shown}/${name}: another range came than was asked for`))
      }
      for await (const chunk of bodyOf(options, name, response, signal)) {
        if (skip >= chunk.length) skip -= chunk.length
        else {
          yield skip > 0 ? chunk.subarray(skip) : chunk
          skip = 0
        }
      }
    },
    async put(name, body, signal) {
      try {
        await withRetries(retries, signal, () => upload(options, name, body, signal))
      } finally {
        if (body.kind === 'file') rmSync(body.path, { force: true })
      }
    },
  }
}

async function send(
  options: HttpOptions,
  method: Method,
  name: string,
  headers: Headers,
  signal: AbortSignal | undefined,
  body?: { readonly hash: Hash; readonly write: (outgoing: Writable) => void },
): Promise<HttpResponse> {
  const url = options.urlOf(name)
  try {
    return await requestHttp({
      url,
      method,
      headers: { ...headers, ...options.authorise(method, url, body?.hash, headers) },
      signal,
      connectTimeout: options.timeouts.connect,
      stallTimeout: options.timeouts.stall,
      ...(body === undefined ? {} : { body: body.write }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw asError(connectionFailure(`${options.url}/${name}`, error))
  }
}

async function upload(options: HttpOptions, name: string, body: Body, signal: AbortSignal | undefined): Promise<void> {
  const size = body.kind === 'bytes' ? body.bytes.length : body.size
  const hash = body.kind === 'bytes' ? hashBytes('sha256', body.bytes) : body.sha256
  let failure: unknown
  const headers = { 'content-length': String(size), 'content-type': typeOf(name) }
  const response = await send(options, 'PUT', name, headers, signal, {
    hash,
    write: (outgoing) => {
      const source = sourceOf(body)
      // What cannot be read ends the request; a server that answers early ends the reading.
      source.on('error', (error) => {
        failure = error
        outgoing.destroy(error)
      })
      outgoing.on('close', () => source.destroy())
      source.pipe(outgoing)
    },
  }).catch((error: unknown) => {
    throw failure ?? error
  })
  expectStatus(options, name, response, [200, 201, 204])
  response.body.resume()
}

function sourceOf(body: Body): Readable {
  switch (body.kind) {
    case 'bytes':
      return Readable.from([body.bytes])
    case 'file':
      return createReadStream(body.path, { highWaterMark: 1 << 20 })
    case 'stream':
      return Readable.from(body.open(), { objectMode: false, highWaterMark: 1 << 20 })
  }
}

async function collect(
  options: HttpOptions,
  name: string,
  response: HttpResponse,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bodyOf(options, name, response, signal)) {
    size += chunk.length
    if (size > limit) throw tooLarge(options.url, name, limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The body; one that ends before its announced length is a dropped connection. */
async function* bodyOf(
  options: HttpOptions,
  name: string,
  response: HttpResponse,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { body } = response
  try {
    for await (const chunk of body) yield chunk as Uint8Array
  } catch (error) {
    signal?.throwIfAborted()
    throw asError(connectionFailure(`${options.url}/${name}`, error))
  } finally {
    body.destroy()
  }
}

/** Large answers may be stored compressed on a server that cannot do without: S3 sends what was uploaded. */
function decode(bytes: Buffer, response: HttpResponse, url: string, name: string, limit: number): Buffer {
  const encoding = response.headers['content-encoding']
  const options = { maxOutputLength: limit }
  try {
    switch (encoding) {
      case undefined:
      case '':
      case 'identity':
        return bytes
      case 'br':
        return brotliDecompressSync(bytes, options)
      case 'gzip':
        return gunzipSync(bytes, options)
      case 'zstd':
        return zstdDecompressSync(bytes, options)
    }
  } catch (error) {
    if (isSystemError(error, 'ERR_BUFFER_TOO_LARGE')) throw tooLarge(url, name, limit)
    throw new UserError('CACHE_FILE_CORRUPT', `'${name}' of ${url} cannot be decompressed`, { cause: error })
  }
  throw new UserError('CACHE_FILE_CORRUPT', `'${name}' of ${url} comes in the unknown encoding ${encoding}`)
}

/** As in Nix: a bucket that may not be listed answers 403 for what it does not have. */
function isMissing({ status, body }: HttpResponse): boolean {
  if (status !== 404 && status !== 403 && status !== 410) return false
  body.resume()
  return true
}

function expectStatus(options: HttpOptions, name: string, response: HttpResponse, good: readonly number[]): void {
  if (good.includes(response.status)) return
  response.body.resume()
  const wait = response.headers['retry-after']
  const delay = wait !== undefined && /^\d{1,3}$/.test(wait) ? Math.min(Number(wait), 60) * 1000 : 0
  throw asError(statusFailure(`${options.url}/${name}`, response.status), delay)
}

function startOf({ status, headers }: HttpResponse): number {
  if (status !== 206) return 0
  const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
  return start === undefined ? Number.POSITIVE_INFINITY : Number(start)
}

function asError(failure: FetchFailure, delay = 0): Error {
  const error = new UserError(failure.code, `${failure.url}: ${failure.reason}`, {
    hint: failure.hint,
    cause: failure.cause,
  })
  return failure.transient ? new TransientError(error, delay) : error
}

function typeOf(name: string): string {
  if (name.endsWith('.narinfo')) return 'text/x-nix-narinfo'
  if (name.startsWith('nar/')) return 'application/x-nix-nar'
  if (name.endsWith('.ls') || name.startsWith('debuginfo/')) return 'application/json'
  if (name === 'nix-cache-info') return 'text/x-nix-cache-info'
  return 'text/plain; charset=utf-8'
}
