import { Readable, type TransformOptions } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip, createZstdCompress, type ZstdOptions } from 'node:zlib'
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
 * threads of Node (a single frame of 1 GiB takes half as long again on two processors). The threads that zstd has itself
 * cannot be used: Node's streams take their first pause for the end.
 */
async function compressZstd({ path, observer, level, take, put }: Compressing): Promise<void> {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
  }
  const running: { readonly block: Uint8Array; readonly compressed: Promise<Buffer> }[] = []
  // Fresh memory for each block would cost as much as its hash.
  const free: Buffer[] = []
  const finishFirst = async (): Promise<void> => {
    const { block, compressed } = running.shift()!
    const frame = await compressed
    put(frame)
    if (block.length < BLOCK_SIZE) return
    free.push(block as Buffer)
    // The room for a frame is as large as the block; without this, the garbage collector would look for it all the time.
    // Something smaller would be Node's own, shared by many buffers.
    if (frame.buffer.byteLength >= BLOCK_SIZE) (frame.buffer as ArrayBuffer).transfer(0)
  }
  const allocate = (size: number): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(size)
  for (const block of narChunks(path, { observer, size: BLOCK_SIZE, allocate })) {
    take(block)
    const compressed = compressBlock(block, params)
    // Awaited in its turn; when an earlier one fails, nobody looks at it any more.
    compressed.catch(() => undefined)
    running.push({ block, compressed })
    if (running.length > BLOCKS_AT_ONCE) await finishFirst()
  }
  while (running.length > 0) await finishFirst()
}

/**
 * The largest window that every decoder must take (RFC 8878, 3.1.1.1.2). A block is as large as its window: with a smaller
 * one zstd's buffer wraps around, and its search in two pieces is slower; 4 MiB with the window of the default level take a
 * tenth more time for files half as large again.
 */
const WINDOW_LOG = 23
const BLOCK_SIZE = 1 << WINDOW_LOG
const BLOCKS_AT_ONCE = 2

/**
 * A frame of one block. With all of the block at its first call, the order to end the frame, and room for what it can be at
 * most, zstd neither copies the block nor goes through it in parts; Node's `zstdCompress` gives that order only later.
 */
function compressBlock(block: Uint8Array, params: ZstdOptions['params'] & {}): Promise<Buffer> {
  const chunkSize = block.length + (block.length >> 7) + 1024
  const options: ZstdOptions & Pick<TransformOptions, 'highWaterMark'> = {
    params,
    flush: constants.ZSTD_e_end,
    chunkSize,
    // What was written counts as done as long as less than this waits to be read.
    highWaterMark: 2 * chunkSize,
    // With smaller tables than for a stream without an end.
    pledgedSrcSize: block.length,
  }
  const stream = createZstdCompress(options)
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.write(block, () => {
      const frame: Buffer = stream.read()
      stream.destroy()
      resolve(frame)
    })
  })
}

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
