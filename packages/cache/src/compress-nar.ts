import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, createGzip, zstdCompress } from 'node:zlib'
import { createHasher, createNarWriter, type Hash, UserError } from '@baryon/format'
import { dumpNar, type NarObserver, narChunks, walkTree } from '@baryon/store'

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
 * Hashes and compresses the tree at `path` into `sink`. Compression runs in threads of Node beside this one, which reads and
 * hashes; without compression everything is one synchronous pass, which `isAborted` can end.
 */
export async function compressNar(
  path: string,
  compression: WritableCompression,
  level: number | undefined,
  sink: Sink,
  options: CompressOptions = {},
): Promise<CompressedFile> {
  const { onBytes, isAborted, observer } = options
  const narHasher = createHasher('sha256')
  let narSize = 0
  const take = (chunk: Uint8Array): void => {
    if (isAborted?.() === true) throw new UserError('INTERRUPTED', 'interrupted')
    narHasher.update(chunk)
    narSize += chunk.length
    onBytes?.(narSize)
  }
  if (compression === 'none') {
    dumpObserved(path, observer, (chunk) => {
      take(chunk)
      sink(chunk)
    })
    const hash = narHasher.digest()
    return { narHash: hash, narSize, fileHash: hash, fileSize: narSize }
  }
  const fileHasher = createHasher('sha256')
  let fileSize = 0
  const put = (chunk: Uint8Array): void => {
    fileHasher.update(chunk)
    fileSize += chunk.length
    sink(chunk)
  }
  const compress = compression === 'zstd' ? compressZstd : compressGzip
  await compress({ path, observer, level, take, put })
  return { narHash: narHasher.digest(), narSize, fileHash: fileHasher.digest(), fileSize }
}

export interface CompressOptions {
  readonly observer?: NarObserver | undefined
  /** Told of the bytes of the archive so far. */
  readonly onBytes?: (bytes: number) => void
  readonly isAborted?: () => boolean
}

type Sink = (chunk: Uint8Array) => void

interface Compressing {
  readonly path: string
  readonly observer: NarObserver | undefined
  readonly level: number | undefined
  /** Given the archive in order, and what it was compressed to. */
  readonly take: Sink
  readonly put: Sink
}

/** The archive without a copy of the contents. */
function dumpObserved(path: string, observer: NarObserver | undefined, sink: Sink): void {
  if (observer === undefined) {
    dumpNar(path, sink)
    return
  }
  const writer = createNarWriter(sink)
  walkTree(path, {
    startDirectory: () => {
      writer.startDirectory()
      observer.startDirectory()
    },
    entry: (name) => {
      writer.entry(name)
      observer.entry(name)
    },
    endDirectory: () => {
      writer.endDirectory()
      observer.endDirectory()
    },
    startFile: (size, executable) => {
      writer.startFile(size, executable)
      observer.startFile(size, executable, writer.size)
    },
    content: (chunk) => writer.content(chunk),
    endFile: () => {
      writer.endFile()
      observer.endFile()
    },
    symlink: (target) => {
      writer.symlink(target)
      observer.symlink(target)
    },
  })
  writer.end()
}

/**
 * One frame for each block, all of them together one file of zstd's format: blocks are compressed side by side in the
 * threads of Node (a single frame of 1 GiB takes twice the time on two processors). The threads that zstd has itself
 * cannot be used: Node's streams take their first pause for the end.
 */
async function compressZstd({ path, observer, level, take, put }: Compressing): Promise<void> {
  const params = { [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT }
  const running: { readonly block: Uint8Array; readonly compressed: Promise<Buffer> }[] = []
  // Fresh memory for each block would cost as much as its hash.
  const free: Buffer[] = []
  const finishFirst = async (): Promise<void> => {
    const { block, compressed } = running.shift()!
    put(await compressed)
    if (block.length === BLOCK_SIZE) free.push(block as Buffer)
  }
  const allocate = (size: number): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(size)
  for (const block of narChunks(path, { observer, size: BLOCK_SIZE, allocate })) {
    take(block)
    const compressed = zstd(block, {
      params,
      // Room for all of it: with less, Node goes back and forth between its threads for every 16 KiB.
      chunkSize: Math.max(1024, block.length + (block.length >> 7) + 1024),
      // With smaller tables than for a stream without an end: a sixth less time, the same size.
      pledgedSrcSize: block.length,
    })
    // Awaited in its turn; when an earlier one fails, nobody looks at it any more.
    compressed.catch(() => undefined)
    running.push({ block, compressed })
    if (running.length > BLOCKS_AT_ONCE) await finishFirst()
  }
  while (running.length > 0) await finishFirst()
}

/** Twice the window of the default level: what is lost at the borders of blocks is below 1 %. */
const BLOCK_SIZE = 4 * 1024 * 1024
const BLOCKS_AT_ONCE = 2

const zstd = promisify(zstdCompress)

async function compressGzip({ path, observer, level, take, put }: Compressing): Promise<void> {
  const observed = function* (): Generator<Uint8Array> {
    for (const chunk of narChunks(path, { observer })) {
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
  )
}
