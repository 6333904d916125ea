import { closeSync, openSync, readSync } from 'node:fs'
import type { NativePath } from './byte-path.ts'

/** Offset of the first byte in which two files differ (the length of the shorter one when it is how the other begins); undefined when they are equal. */
export function firstDifferingByte(first: NativePath, second: NativePath): number | undefined {
  const a = openSync(first, 'r')
  try {
    const b = openSync(second, 'r')
    try {
      return compare(a, b)
    } finally {
      closeSync(b)
    }
  } finally {
    closeSync(a)
  }
}

export function haveSameBytes(first: NativePath, second: NativePath): boolean {
  return firstDifferingByte(first, second) === undefined
}

const CHUNK = 256 * 1024
// Comparing is synchronous, so two buffers serve all calls.
const left = Buffer.allocUnsafeSlow(CHUNK)
const right = Buffer.allocUnsafeSlow(CHUNK)

function compare(a: number, b: number): number | undefined {
  for (let offset = 0; ; ) {
    const [before, now] = [fill(a, left, offset), fill(b, right, offset)]
    const common = Math.min(before, now)
    if (left.compare(right, 0, common, 0, common) !== 0) {
      let at = 0
      while (left[at] === right[at]) at++
      return offset + at
    }
    if (before !== now) return offset + common
    if (common === 0) return undefined
    offset += common
  }
}

function fill(fd: number, buffer: Buffer, offset: number): number {
  let length = 0
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, offset + length)
    if (count === 0) break
    length += count
  }
  return length
}
