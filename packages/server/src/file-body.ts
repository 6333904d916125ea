/** The bytes of an open file as a body. */
import { closeSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import type { BodyStream } from './exchange.ts'

/** From `start` to before `end`; the file is closed with the body. It may be found to be shorter. */
export function fileBody(descriptor: number, start: number, end: number): BodyStream {
  let position = start
  let isClosed = false
  let reading: Promise<unknown> | undefined
  let buffer: Buffer | undefined
  return {
    length: end - start,
    read: async () => {
      if (isClosed || position === end) return undefined
      buffer ??= Buffer.allocUnsafe(Math.min(PIECE, end - start))
      const work = readInto(descriptor, buffer, 0, Math.min(buffer.length, end - position), position)
      reading = work
      const { bytesRead } = await work
      reading = undefined
      position += bytesRead
      return bytesRead === 0 || isClosed ? undefined : buffer.subarray(0, bytesRead)
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      // Its number may be another file's a moment later.
      if (reading === undefined) closeSync(descriptor)
      else void reading.catch(ignore).finally(() => closeSync(descriptor))
    },
  }
}

/** At once; fewer bytes than asked for when the file is shorter. */
export function readBytes(descriptor: number, start: number, end: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(end - start)
  let filled = 0
  while (filled < bytes.length) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

const readInto = promisify(read) as (
  descriptor: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ readonly bytesRead: number }>

function ignore(): void {}

const PIECE = 256 * 1024
