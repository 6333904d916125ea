import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib'

import { UserError } from '@baryon/format'

import type { ByteSource } from './byte-reader.ts'
import { decompressBzip2 } from './decompress-bzip2.ts'
import { decompressXz } from './decompress-xz.ts'
import { splitFrames } from './zstd-frames.ts'

export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd' | 'brotli' | 'deflate'

/**
 * Decompresses a stream of bytes. Memory is bounded by the format's window; checksums of the format are verified;
 * concatenated streams decode to the concatenation. Broken input gives `ARCHIVE_CORRUPT`. `what` names the input in errors.
 */
export function decompress(source: ByteSource, compression: Compression, what = 'the input'): ByteSource {
  switch (compression) {
    case 'none':
      return source
    case 'xz':
      return decompressXz(source, what)
    case 'bzip2':
      return decompressBzip2(source, what)
    case 'gzip':
      return through(source, createGunzip(STREAM), what)
    case 'zstd':
      return through(splitFrames(source), createZstdDecompress(STREAM), what)
    case 'brotli':
      return through(source, createBrotliDecompress(STREAM), what)
    case 'deflate':
      return through(source, createInflateRaw(STREAM), what)
  }
}

/** The compression that the first bytes of a file announce (brotli and raw deflate announce nothing). */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...magic: readonly number[]) => magic.every((byte, index) => head[index] === byte)
  if (starts(0x1f, 0x8b)) return 'gzip'
  if (starts(0x42, 0x5a, 0x68) && head[3]! >= 0x31 && head[3]! <= 0x39) return 'bzip2'
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz'
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd'
  return 'none'
}

/** Objects, because an iteration over bytes would join what is decompressed ahead: a copy into fresh memory. */
const STREAM = { chunkSize: 256 * 1024, readableObjectMode: true, readableHighWaterMark: 1 }

async function* through(source: ByteSource, transform: Transform, what: string): AsyncGenerator<Uint8Array> {
  void feed(source, transform)
  try {
    for await (const chunk of transform) yield chunk as Uint8Array
  } catch (cause) {
    if (!(cause instanceof Error) || !/^(Z_|ZSTD_|ERR_BROTLI|ERR__ERROR|ERR_ZSTD|ERR_)/.test(codeOf(cause))) throw cause
    throw new UserError('ARCHIVE_CORRUPT', `${what} cannot be decompressed: ${cause.message}`, {
      hint: 'fetch the file again, and check its hash',
      cause,
    })
  } finally {
    transform.destroy()
  }
}

/**
 * Instead of `pipeline`, which asks for the next piece while it still holds this one. Errors of the source arrive at whoever
 * reads the transform.
 */
async function feed(source: ByteSource, transform: Transform): Promise<void> {
  try {
    for await (const piece of source) await write(transform, piece)
    transform.end()
  } catch (error) {
    transform.destroy(error as Error)
  }
}

/** Ends when the transform has taken all of the piece. */
function write(transform: Transform, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    transform.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}

function codeOf(error: Error): string {
  return String((error as NodeJS.ErrnoException).code ?? '')
}
