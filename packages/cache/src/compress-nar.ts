import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, createGzip, zstdCompress } from 'node:zlib'
import { createHasher, type Hash, UserError } from '@baryon/format'

/** Compressions that we write. */
export type WritableCompression = 'none' | 'zstd' | 'gzip'

export const FILE_SUFFIXES: Readonly<Record<WritableCompression, string>> = { none: '', zstd: '.zst', gzip: '.gz' }

export interface CompressedFile {
  readonly narHash: Hash
  readonly narSize: number
  readonly fileHash: Hash
  readonly fileSize: number
}

export function parseCompression(text: string): WritableCompression {
  if (Object.hasOwn(FILE_SUFFIXES, text)) return text as WritableCompression
  throw new UserError('COMPRESSION_UNSUPPORTED', `cannot write archives compressed with '${text}'`, {
    hint: 'use zstd, gzip or none; xz and bzip2 are only read: no healthy encoder for Node exists',
  })
}

/**
 * Hashes and compresses an archive into `sink`. Compression runs in threads of Node beside this one, which reads and hashes.
 */
export async function compressNar(
  chunks: Iterable<Uint8Array>,
  compression: WritableCompression,
  level: number | undefined,
  sink: (chunk: Uint8Array) => void,
  signal?: AbortSignal,
): Promise<CompressedFile> {
  const narHasher = createHasher('sha256')
  let size = 0
  const take = (chunk: Uint8Array): void => {
    narHasher.update(chunk)
    size += chunk.length
  }
  if (compression === 'none') {
    for (const chunk of chunks) {
      take(chunk)
      sink(chunk)
      if (size % YIELD_BYTES < chunk.length) await turn(signal)
    }
    const hash = narHasher.digest()
    return { narHash: hash, narSize: size, fileHash: hash, fileSize: size }
  }
  const fileHasher = createHasher('sha256')
  let fileSize = 0
  const put = (chunk: Uint8Array): void => {
    fileHasher.update(chunk)
    fileSize += chunk.length
    sink(chunk)
  }
  const compress = compression === 'zstd' ? compressZstd : compressGzip
  await compress(chunks, take, put, level, signal)
  return { narHash: narHasher.digest(), narSize: size, fileHash: fileHasher.digest(), fileSize }
}

type Sink = (chunk: Uint8Array) => void

/**
 * One frame for each block, all of them together one file of zstd's format: blocks are compressed side by side in the
 * threads of Node (a single frame of 1 GiB takes twice the time on two processors). The threads that zstd has itself
 * cannot be used: Node's streams take their first pause for the end.
 */
async function compressZstd(
  chunks: Iterable<Uint8Array>,
  take: Sink,
  put: Sink,
  level: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const params = { [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT }
  const running: Promise<Buffer>[] = []
  const finishFirst = async (): Promise<void> => {
    put(await running.shift()!)
    signal?.throwIfAborted()
  }
  const start = (block: Uint8Array[]): void => {
    const compressed = zstd(Buffer.concat(block), { params })
    // Awaited in its turn; when an earlier one fails, nobody looks at it any more.
    compressed.catch(() => undefined)
    running.push(compressed)
  }
  let block: Uint8Array[] = []
  let size = 0
  for (const chunk of chunks) {
    take(chunk)
    block.push(chunk)
    size += chunk.length
    if (size < BLOCK_SIZE) continue
    start(block)
    block = []
    size = 0
    if (running.length > BLOCKS_AT_ONCE) await finishFirst()
  }
  if (size > 0) start(block)
  while (running.length > 0) await finishFirst()
}

/** Twice the window of the default level: what is lost at the borders of blocks is below 1 %. */
const BLOCK_SIZE = 4 * 1024 * 1024
const BLOCKS_AT_ONCE = 3

const zstd = promisify(zstdCompress)

async function compressGzip(
  chunks: Iterable<Uint8Array>,
  take: Sink,
  put: Sink,
  level: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const observed = function* (): Generator<Uint8Array> {
    for (const chunk of chunks) {
      take(chunk)
      yield chunk
    }
  }
  const compressor = createGzip({ chunkSize: 256 * 1024, ...(level === undefined ? {} : { level }) })
  await pipeline(
    Readable.from(observed(), { objectMode: false }),
    compressor,
    async (source: AsyncIterable<Uint8Array>) => {
      for await (const chunk of source) put(chunk)
    },
    signal === undefined ? {} : { signal },
  )
}

const YIELD_BYTES = 16 * 1024 * 1024

/** Lets messages in: a signal that arrives with one would never be seen otherwise. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  signal?.throwIfAborted()
}
