/**
 * Finds the 32-digit digests of store paths in a stream of bytes.
 *
 * A window of 32 bytes is looked at from its right end. A byte there that is no nix32 digit rules out all windows that
 * contain it, so that most bytes of most files are never looked at (Boyer-Moore's idea, applied to an alphabet).
 */
import { isNix32, UserError } from '@baryon/format'

/** Told of every place: the index of the candidate and the offset of its first digit in the item. */
export type ReferenceSink = (candidate: number, offset: number) => void

export interface ReferenceScanner {
  /** Starts a new item (a file, a name, a link): a match never spans two of them. */
  begin(): void
  /** The next bytes of the item; matches across chunks are found. */
  write(chunk: Uint8Array): void
}

const LENGTH = 32

/** A scanner for these digests, which must be different from each other. Speed does not depend on how many there are. */
export function createReferenceScanner(digests: readonly string[], found: ReferenceSink): ReferenceScanner {
  const index = new Map<string, number>()
  // A bit for the first four digits (20 bits) of every digest: base-16 text, which is all digits, passes here only once in
  // a thousand places or less, and only then is a string made to look it up. 128 KiB stay in the second-level cache.
  const prefix = new Uint32Array(1 << 15)
  for (const [position, digest] of digests.entries()) {
    if (digest.length !== LENGTH || !isNix32(digest))
      throw new UserError('STORE_PATH_INVALID', `'${digest}' is not the digest of a store path`)
    index.set(digest, position)
    const key = digest
      .slice(0, 4)
      .split('')
      .reduce((sum, digit) => (sum << 5) | VALUES[digit.charCodeAt(0)]!, 0)
    prefix[key >> 5]! |= 1 << (key & 31)
  }

  const scan = (bytes: Uint8Array, base: number): void => {
    const values = VALUES
    const last = bytes.length - LENGTH
    for (let start = 0; start <= last; ) {
      let position = start + LENGTH - 1
      while (position >= start && values[bytes[position]!]! < NONE) position--
      if (position >= start) {
        start = position + 1
        continue
      }
      // All 32 are digits: go on by single steps for as long as the run of digits goes on.
      let key = (values[bytes[start]!]! << 10) | (values[bytes[start + 1]!]! << 5) | values[bytes[start + 2]!]!
      for (;;) {
        key = ((key << 5) | values[bytes[start + 3]!]!) & 0xfffff
        if ((prefix[key >> 5]! >>> (key & 31)) & 1) {
          const candidate = index.get(latin1(bytes, start))
          if (candidate !== undefined) found(candidate, base + start)
        }
        start++
        if (start > last) return
        if (values[bytes[start + LENGTH - 1]!] === NONE) {
          start += LENGTH
          break
        }
      }
    }
  }

  const seam = new Uint8Array(2 * (LENGTH - 1))
  let tail = 0
  let offset = 0
  return {
    begin: () => {
      tail = 0
      offset = 0
    },
    write: (chunk) => {
      if (index.size === 0) return
      if (tail > 0) {
        const head = Math.min(chunk.length, LENGTH - 1)
        seam.set(chunk.subarray(0, head), tail)
        scan(seam.subarray(0, tail + head), offset - tail)
      }
      if (chunk.length >= LENGTH - 1) {
        scan(chunk, offset)
        seam.set(chunk.subarray(chunk.length - (LENGTH - 1)), 0)
        tail = LENGTH - 1
      } else {
        // Short chunks pile up in the seam; what was already scanned as a whole window falls out at the left.
        const total = tail + chunk.length
        if (tail === 0) seam.set(chunk, 0)
        const kept = Math.min(total, LENGTH - 1)
        seam.copyWithin(0, total - kept, total)
        tail = kept
      }
      offset += chunk.length
    },
  }
}

const NONE = 32

// Value of each nix32 digit, NONE for all other bytes.
const VALUES = new Uint8Array(256).fill(NONE)
for (const [value, digit] of Array.from('0123456789abcdfghijklmnpqrsvwxyz').entries())
  VALUES[digit.charCodeAt(0)] = value

function latin1(bytes: Uint8Array, start: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, LENGTH).toString('latin1')
}
