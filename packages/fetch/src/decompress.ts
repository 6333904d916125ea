import { pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib'

import { UserError } from '@baryon/format'

import type { ByteSource } from './byte-reader.ts'
import { decompressBzip2 } from './decompress-bzip2.ts'
import { decompressXz } from './decompress-xz.ts'

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
      return through(source, createGunzip({ chunkSize }), what)
    case 'zstd':
      return through(source, createZstdDecompress({ chunkSize }), what)
    case 'brotli':
      return through(source, createBrotliDecompress({ chunkSize }), what)
    case 'deflate':
      return through(source, createInflateRaw({ chunkSize }), what)
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

const chunkSize = 256 * 1024

async function* through(source: ByteSource, transform: Transform, what: string): AsyncGenerator<Uint8Array> {
  pipeline(source, transform, () => {
    // The error arrives at the reader below as well.
  })
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

function codeOf(error: Error): string {
  return String((error as NodeJS.ErrnoException).code ?? '')
}
