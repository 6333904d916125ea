import { readSync } from 'node:fs'
import { UserError } from '@baryon/format'

import type { ByteSource } from './byte-reader.ts'

/** 256 KiB: larger reads did not make unpacking faster, smaller ones did make it slower. */
const chunkSize = 256 * 1024

/** The bytes from `start` to `end` (exclusive) of an open file; fewer when the file is shorter. */
export async function* readFileRange(
  descriptor: number,
  start: number,
  end: number,
  onRead?: (bytes: number) => void,
): ByteSource & AsyncGenerator<Uint8Array> {
  const memory = Buffer.allocUnsafe(Math.max(0, Math.min(chunkSize, end - start)))
  let position = start
  while (position < end) {
    const buffer = memory.subarray(0, end - position)
    const count = readPart(descriptor, buffer, 0, position)
    if (count === 0) return
    position += count
    onRead?.(count)
    yield buffer.subarray(0, count)
  }
}

/** Up to `length` bytes at `position`. */
export function readAt(descriptor: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const count = readPart(descriptor, buffer, filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return buffer.subarray(0, filled)
}

/** Fills the buffer from `start` on, as far as one call does. */
function readPart(descriptor: number, buffer: Buffer, start: number, position: number): number {
  try {
    return readSync(descriptor, buffer, start, buffer.length - start, position)
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new UserError('FILE_UNREADABLE', `the file cannot be read: ${cause.message}`, {
      hint: 'it may be a directory, or the disk may be failing',
      cause,
    })
  }
}
