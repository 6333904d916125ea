/** Compression on the fly, in libuv's threads. */
import { finished, type Transform } from 'node:stream'
import { constants, createGzip, createZstdCompress } from 'node:zlib'
import type { BodyStream } from './exchange.ts'
import type { NarCoding } from './parse-target.ts'

/** The body compressed. It reads no further ahead than its compressor does. */
export function compressBody(body: BodyStream, coding: Exclude<NarCoding, 'none'>): BodyStream {
  const transform = createTransform(coding)
  // An error of the source arrives through `destroy` below.
  finished(transform, () => undefined)
  void feed(body, transform)
  const chunks = transform[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  return {
    length: undefined,
    read: async () => (await chunks.next()).value as Uint8Array | undefined,
    close: () => {
      transform.destroy()
      body.close()
    },
  }
}

function createTransform(coding: Exclude<NarCoding, 'none'>): Transform {
  if (coding === 'gzip') return createGzip({ chunkSize: CHUNK })
  return createZstdCompress({ chunkSize: CHUNK, params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}

async function feed(body: BodyStream, transform: Transform): Promise<void> {
  try {
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      // The callback comes when all of the chunk has been taken in: then its buffer may be filled again.
      const piece = chunk
      await new Promise<void>((resolve, reject) =>
        transform.write(piece, (error) => (error == null ? resolve() : reject(error))),
      )
    }
    transform.end()
  } catch (error) {
    transform.destroy(error as Error)
  }
}

const CHUNK = 1 << 17
