/**
 * Objects that fit into memory many times over, read, hashed and unpacked at once: a stream for each costs ten times as much as what
 * it does for a file of some kilobytes.
 */
import { inflateSync } from 'node:zlib'
import { hashContent, objectName } from './content-hash.ts'
import type { WantedObject } from './object-cache.ts'
import type { ObjectSource, OpenOptions } from './object-source.ts'
import { damaged, tooLarge, verifyObject } from './verify-object.ts'

/** Bytes, unpacked. */
export const SMALL = 256 * 1024

/** The contents of an object of known size, verified. Throws `CVMFS_CORRUPT`, `CVMFS_SIZE`, or what the source throws. */
export async function readSmallObject(
  source: ObjectSource,
  wanted: WantedObject & { readonly size: number },
  options: OpenOptions = {},
): Promise<Uint8Array> {
  const what = `${objectName(wanted.hash, wanted.kind)} of ${source.name}`
  const stored = await readStored(source, wanted, what, options)
  const hash = hashContent(wanted.hash.algorithm, stored)
  // What has another hash is not even unpacked.
  verifyObject(what, wanted, hash, wanted.size)
  const contents = wanted.isCompressed ? inflated(stored, wanted.size, what) : stored
  verifyObject(what, wanted, hash, contents.length)
  return contents
}

async function readStored(
  source: ObjectSource,
  { hash, kind, size }: WantedObject & { readonly size: number },
  what: string,
  options: OpenOptions,
): Promise<Buffer> {
  // What cannot be compressed grows by little.
  const limit = size + (size >> 6) + 1024
  const whole = options.isAgain === true ? undefined : await source.whole?.(objectName(hash, kind), limit)
  options.signal?.throwIfAborted()
  if (whole !== undefined) return whole
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of source.open(objectName(hash, kind), options)) {
    length += piece.length
    if (length > limit) throw tooLarge(what, size)
    pieces.push(Buffer.from(piece))
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

function inflated(stored: Buffer, size: number, what: string): Uint8Array {
  try {
    return inflateSync(stored, { maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) })
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(what, size)
    if (!/^(Z_|ERR_)/.test(String(error.code))) throw error
    throw damaged(what, error.message)
  }
}
