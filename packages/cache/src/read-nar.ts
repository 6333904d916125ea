import { type ByteSource, type Compression, decompress } from '@baryon/fetch'
import { type Narinfo, storePathBaseName, UserError } from '@baryon/format'
import { pauseOrThrow, type RetryPolicy } from './retry.ts'
import { TransientError, type Transport } from './transport.ts'

export interface ReadNarOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes of the file so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/**
 * The archive behind a narinfo, decompressed. A connection that drops is taken up where it broke. What does not have the
 * sizes that the narinfo says ends with `SIZE_MISMATCH` before more is taken; the hash is left to the caller. A piece is valid
 * until the next one is asked for.
 */
export function readNar(
  transport: Transport,
  name: string,
  info: Narinfo,
  retries: RetryPolicy,
  options: ReadNarOptions,
): ByteSource {
  const compression = COMPRESSIONS[info.compression]
  const what = `the NAR of '${storePathBaseName(info.path)}' in ${transport.url}`
  if (compression === undefined) {
    throw new UserError('COMPRESSION_UNSUPPORTED', `${what} is compressed with ${info.compression}`, {
      hint: `known are ${Object.keys(COMPRESSIONS).join(', ')}`,
    })
  }
  const size = info.fileSize ?? (compression === 'none' ? info.narSize : undefined)
  const file = readFile(transport, name, size, what, retries, options)
  return limited(decompress(file, compression, what), info.narSize, `${what}, unpacked,`)
}

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  none: 'none',
  xz: 'xz',
  zstd: 'zstd',
  bzip2: 'bzip2',
  gzip: 'gzip',
  br: 'brotli',
}

async function* readFile(
  transport: Transport,
  name: string,
  size: number | undefined,
  what: string,
  retries: RetryPolicy,
  { signal, onProgress }: ReadNarOptions,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  let most = 0
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const chunk of transport.read(name, bytes, { signal })) {
        signal?.throwIfAborted()
        bytes += chunk.length
        if (size !== undefined && bytes > size) throw wrongSize(what, 'has more', size)
        onProgress?.(bytes)
        yield chunk
      }
      if (size === undefined || bytes === size) return
      throw new TransientError(wrongSize(what, `ends after ${bytes} of`, size))
    } catch (error) {
      // As long as each attempt brings something, it will get there.
      if (bytes > most) attempt = Math.min(attempt, retries.attempts - 1)
      most = bytes
      await pauseOrThrow(retries, signal, attempt, error)
    }
  }
}

async function* limited(source: ByteSource, size: number, what: string): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > size) throw wrongSize(what, 'has more', size)
    yield chunk
  }
  if (bytes < size) throw wrongSize(what, `ends after ${bytes} of`, size)
}

function wrongSize(what: string, relation: string, size: number): UserError {
  return new UserError(
    'SIZE_MISMATCH',
    `${what} ${relation} ${relation === 'has more' ? 'than ' : ''}the announced ${size} bytes`,
    {
      hint: 'the cache is damaged or lies: use another one',
    },
  )
}
