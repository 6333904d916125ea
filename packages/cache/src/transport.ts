/** How the files of a cache are reached. Names are relative paths such as `nar/….nar.zst`. */
import type { Hash } from '@baryon/format'

export interface Transport {
  /** For messages, without a password. */
  readonly url: string
  /** Asking costs next to nothing: answers are not remembered. */
  readonly isLocal: boolean
  /** The whole file, or undefined when there is none. `CACHE_FILE_TOO_LARGE` beyond `limit` bytes. */
  get(name: string, limit: number, signal?: AbortSignal): Promise<Buffer | undefined>
  has(name: string, signal?: AbortSignal): Promise<boolean>
  /** The bytes from an offset on, in one attempt; a piece is valid until the next one is asked for. Throws `CACHE_FILE_MISSING`, or a `TransientError` that allows another attempt. */
  read(name: string, offset: number, options: ReadOptions): AsyncIterable<Uint8Array>
  /** Puts a file in its place, all or nothing. */
  put(name: string, body: Body, signal?: AbortSignal): Promise<void>
  /** Where a large file should be prepared; `put` then moves it. */
  readonly scratchDirectory: string | undefined
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
}

export type Body = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | FileBody | StreamBody

export interface FileBody {
  readonly kind: 'file'
  /** Belongs to `put` from now on, which removes it in any case. */
  readonly path: string
  readonly size: number
  readonly sha256: Hash
}

/** Bytes that can be made again for another attempt. */
export interface StreamBody {
  readonly kind: 'stream'
  readonly size: number
  readonly sha256: Hash
  readonly open: () => Iterable<Uint8Array>
}

/** Another attempt may succeed; `error` is what to say when none does. */
export class TransientError extends Error {
  readonly error: Error
  /** Milliseconds that the server wants to be left alone. */
  readonly delay: number

  constructor(error: Error, delay = 0) {
    super(error.message)
    this.error = error
    this.delay = delay
  }
}
