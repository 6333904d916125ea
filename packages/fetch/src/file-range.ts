import { readSync } from 'node:fs'

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
  let position = start
  while (position < end) {
    const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - position))
    const count = readSync(descriptor, buffer, 0, buffer.length, position)
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
    const count = readSync(descriptor, buffer, filled, length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return buffer.subarray(0, filled)
}
