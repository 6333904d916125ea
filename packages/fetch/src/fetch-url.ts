import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { type Hash, type HashAlgorithm, hashesEqual, isSystemError, UserError } from '@baryon/format'

import { connectionFailure, type FetchFailure, fetchError, hashMismatch, statusFailure } from './fetch-failure.ts'
import { type HttpResponse, requestHttp, withoutPassword } from './http-request.ts'
import { PartialFile } from './partial-file.ts'

export interface FetchProgress {
  readonly name: string
  readonly url: string
  readonly bytes: number
  /** Undefined when the server does not tell. */
  readonly totalBytes: number | undefined
}

/** What every fetch takes. */
export interface FetchOptions {
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds without a byte, before and within the answer. Default 15,000 and 30,000. */
  readonly timeouts?: { readonly connect?: number; readonly stall?: number } | undefined
  /** Requests per URL while errors are transient. Default 5. */
  readonly attempts?: number | undefined
  /** Milliseconds before the second request, doubled for each further one. Default 500. */
  readonly backoff?: number | undefined
}

export interface FetchUrlRequest extends FetchOptions {
  /** Tried in this order: `http:`, `https:` and `file:`. */
  readonly urls: readonly string[]
  readonly hash?: Hash | undefined
  /** Names the file in errors and progress. Default: the last part of the first URL. */
  readonly name?: string | undefined
  readonly destination: string
  /** A proxy for a URL, or `direct`; undefined leaves it to the environment. */
  readonly proxy?: ((url: URL) => string | undefined) | undefined
  /** Further hashes to compute. */
  readonly algorithms?: readonly HashAlgorithm[] | undefined
  /** Waits until the file is on the disk. */
  readonly durable?: boolean | undefined
}

export interface FetchedFile {
  readonly path: string
  /** Of the algorithm asked for, else SHA-256. */
  readonly hash: Hash
  readonly hashes: readonly Hash[]
  readonly size: number
  readonly url: string
}

/**
 * Fetches a file from the first URL that gives it, and moves it to `destination` when it is complete and has the right hash.
 * A dropped connection is taken up where it broke; transient errors are tried again.
 *
 * Errors name every URL tried: `HASH_MISMATCH`, `FETCH_NOT_FOUND`, `FETCH_FORBIDDEN`, `FETCH_HTTP`, `FETCH_DNS`, `FETCH_CONNECT`,
 * `FETCH_TLS`, `FETCH_TIMEOUT`, `FETCH_INTERRUPTED`, `FETCH_REDIRECT`, `FETCH_PROXY`, `FETCH_BAD_URL`, `FETCH_FAILED` (a mixture),
 * `FILE_UNWRITABLE`. An abort throws the signal's reason.
 */
export async function fetchUrl(request: FetchUrlRequest): Promise<FetchedFile> {
  const name = request.name ?? nameOf(request.urls[0] ?? '')
  if (request.urls.length === 0) {
    throw new UserError('FETCH_BAD_URL', `${name} has no URL to be fetched from`, { hint: 'give at least one URL' })
  }
  const main = request.hash?.algorithm ?? 'sha256'
  const algorithms = [main, ...(request.algorithms ?? []).filter((algorithm) => algorithm !== main)]
  const partial = new PartialFile(request.destination, algorithms)
  try {
    const failures: FetchFailure[] = []
    for (const text of request.urls) {
      const result = await fetchFrom(text, name, request, partial)
      if ('code' in result) {
        failures.push(result)
        continue
      }
      partial.commit(request.durable ?? false)
      return { path: request.destination, hash: result[0]!, hashes: result, size: partial.size, url: text }
    }
    throw fetchError(name, failures)
  } finally {
    partial.discard()
  }
}

function nameOf(url: string): string {
  const parsed = URL.parse(url)
  const last = (parsed?.pathname ?? url).split('/').at(-1)!
  return last === '' ? (parsed?.host ?? 'file') : last
}

async function fetchFrom(
  text: string,
  name: string,
  request: FetchUrlRequest,
  partial: PartialFile,
): Promise<readonly Hash[] | FetchFailure> {
  const url = URL.parse(text)
  const shown = withoutPassword(text)
  if (url === null || !['http:', 'https:', 'file:'].includes(url.protocol)) {
    return {
      url: shown,
      code: 'FETCH_BAD_URL',
      reason: 'not an http, https or file URL',
      hint: 'check the spelling of the URL',
      transient: false,
    }
  }
  const transfer: Transfer = {
    url,
    shown,
    name,
    request,
    partial,
    validator: undefined,
    resumed: false,
    mayResume: true,
  }
  if (partial.size > 0) partial.restart()
  const attempts = request.attempts ?? 5
  let most = 0
  let requests = 0
  for (let attempt = 1; ; attempt++) {
    requests += 1
    const failure = await (url.protocol === 'file:' ? copyLocal(transfer) : transferOnce(transfer))
    if (failure === undefined) {
      const hashes = partial.digests()
      if (request.hash === undefined || hashesEqual(request.hash, hashes[0]!)) return hashes
      // A server may have put together the parts of two different files.
      if (!transfer.resumed) return hashMismatch(shown, request.hash, hashes[0]!)
      partial.restart()
      transfer.resumed = false
      transfer.mayResume = false
      transfer.validator = undefined
      continue
    }
    // A connection that drops again and again, but brings something each time, gets there.
    if (partial.size > most && requests < requestLimit) attempt = Math.max(1, Math.min(attempt, attempts - 1))
    most = Math.max(most, partial.size)
    if (!failure.transient || attempt >= attempts) return failure
    const delay = Math.min(10_000, (request.backoff ?? 500) * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2)
    await sleep(Math.max(delay, failure.retryAfter ?? 0), undefined, { signal: request.signal })
  }
}

interface Transfer {
  readonly url: URL
  readonly shown: string
  readonly name: string
  readonly request: FetchUrlRequest
  readonly partial: PartialFile
  /** A strong ETag or a date: the rest of the file must come with the same one. */
  validator: string | undefined
  resumed: boolean
  mayResume: boolean
}

const requestLimit = 100

async function transferOnce(transfer: Transfer): Promise<FetchFailure | undefined> {
  const { partial, request, shown, url } = transfer
  let response: HttpResponse
  // Without a validator the hash must tell whether the parts fit.
  const resumable =
    transfer.mayResume && partial.size > 0 && (transfer.validator !== undefined || request.hash !== undefined)
  if (partial.size > 0 && !resumable) partial.restart()
  const headers: Record<string, string> = {}
  if (resumable) {
    headers.range = `bytes=${partial.size}-`
    if (transfer.validator !== undefined) headers['if-range'] = transfer.validator
  }
  try {
    response = await requestHttp({
      url,
      headers,
      signal: request.signal,
      connectTimeout: request.timeouts?.connect ?? 15_000,
      stallTimeout: request.timeouts?.stall ?? 30_000,
      proxy: request.proxy?.(url),
    })
  } catch (error) {
    request.signal?.throwIfAborted()
    return connectionFailure(shown, error)
  }
  const { status, headers: answer, body } = response
  if (status !== 200 && status !== 206) {
    body.resume()
    if (status === 416 && resumable) {
      partial.restart()
      transfer.validator = undefined
      return { ...statusFailure(shown, status), transient: true }
    }
    return { ...statusFailure(shown, status), ...retryAfter(answer['retry-after']) }
  }
  const range = status === 206 ? /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer['content-range'] ?? '') : null
  if (status === 206 && Number(range?.[1] ?? Number.NaN) !== partial.size) {
    body.destroy()
    partial.restart()
    return {
      ...statusFailure(shown, status),
      reason: 'the server sent another range than was asked for',
      transient: true,
    }
  }
  if (status === 206) transfer.resumed = true
  else if (partial.size > 0) partial.restart()
  const length = /^\d+$/.test(answer['content-length'] ?? '') ? Number(answer['content-length']) : undefined
  const total = length === undefined ? undefined : partial.size + length
  const tag = answer.etag
  transfer.validator = tag !== undefined && !tag.startsWith('W/') ? tag : answer['last-modified']
  try {
    for await (const chunk of body) {
      partial.write(chunk as Uint8Array)
      report(transfer, total)
    }
  } catch (error) {
    request.signal?.throwIfAborted()
    if (error instanceof UserError) throw error
    return connectionFailure(shown, error)
  }
  if (total !== undefined && partial.size !== total) {
    const error: NodeJS.ErrnoException = new Error('the answer is shorter than announced')
    error.code = 'ECONNRESET'
    return connectionFailure(shown, error)
  }
  return undefined
}

async function copyLocal(transfer: Transfer): Promise<FetchFailure | undefined> {
  const { partial, request, shown, url } = transfer
  const failure = (reason: string, cause?: unknown): FetchFailure => ({
    url: shown,
    code: 'FETCH_NOT_FOUND',
    reason,
    hint: 'check the path and its permissions',
    transient: false,
    cause,
  })
  try {
    const path = fileURLToPath(url)
    const status = await stat(path)
    if (!status.isFile()) return failure('not a regular file')
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal: request.signal })) {
      partial.write(chunk as Uint8Array)
      report(transfer, status.size)
    }
    return undefined
  } catch (error) {
    request.signal?.throwIfAborted()
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'EIO', 'ESTALE')) {
      return failure(`the file cannot be read (${(error as NodeJS.ErrnoException).code})`, error)
    }
    if (isSystemError(error, 'ERR_INVALID_FILE_URL_HOST', 'ERR_INVALID_FILE_URL_PATH', 'ERR_INVALID_ARG_VALUE')) {
      return { ...failure('not a local file URL', error), code: 'FETCH_BAD_URL' }
    }
    throw error
  }
}

function report(transfer: Transfer, totalBytes: number | undefined): void {
  const { name, partial, shown, request } = transfer
  request.onProgress?.({ name, url: shown, bytes: partial.size, totalBytes })
}

function retryAfter(header: string | undefined): { retryAfter?: number } {
  return header !== undefined && /^\d{1,3}$/.test(header) ? { retryAfter: Math.min(Number(header), 60) * 1000 } : {}
}
