/**
 * Where the frames of a zstd stream end, without decoding it.
 *
 *     frame:      magic FD2FB528 (LE), descriptor, header, blocks, checksum
 *     block:      3 bytes (last, type, size), then the size, or one byte where it is repeated
 *     skippable:  magic 184D2A5x (LE), size (4), so many bytes
 *
 * RFC 8878, sections 3.1.1 and 3.1.2.
 */
import type { ByteSource } from './byte-reader.ts'

/** Cuts the pieces so that none reaches behind the end of a frame: Node 24 drops what does. */
export async function* splitFrames(source: ByteSource): AsyncGenerator<Uint8Array> {
  const walk = new FrameWalk()
  for await (const piece of source) {
    let start = 0
    for (let position = 0; position < piece.length; ) {
      position = walk.take(piece, position)
      if (!walk.isBetween) continue
      yield piece.subarray(start, position)
      start = position
    }
    if (start < piece.length) yield piece.subarray(start)
  }
}

type Field =
  | 'magic'
  | 'descriptor'
  | 'header'
  | 'block'
  | 'content'
  | 'checksum'
  | 'skipped size'
  | 'skipped'
  | 'unknown'

class FrameWalk {
  /** Behind the last byte of a frame. */
  isBetween = true
  #field: Field = 'magic'
  /** Bytes of the field that are still to come, and the value of those that came (of fields up to 4 bytes). */
  #left = 4
  #value = 0
  #factor = 1
  #hasChecksum = false
  #isLast = false

  /** Takes bytes up to the end of the field or of the piece, and gives the position behind them. */
  take(bytes: Uint8Array, position: number): number {
    this.isBetween = false
    const end = Math.min(bytes.length, position + this.#left)
    if (this.#factor <= 0x100_0000) {
      for (let index = position; index < end && this.#factor <= 0x100_0000; index++) {
        this.#value += bytes[index]! * this.#factor
        this.#factor *= 256
      }
    }
    this.#left -= end - position
    while (this.#left === 0 && !this.isBetween) this.#next(this.#value)
    return end
  }

  #next(value: number): void {
    switch (this.#field) {
      case 'magic':
        if (value === 0xfd2fb528) this.#expect('descriptor', 1)
        else if (value >>> 4 === 0x184d2a5) this.#expect('skipped size', 4)
        // The decoder says what it thinks of it.
        else this.#expect('unknown', Number.POSITIVE_INFINITY)
        return
      case 'descriptor': {
        const isSingle = (value & 0x20) !== 0
        this.#hasChecksum = (value & 4) !== 0
        const contentSize = [isSingle ? 1 : 0, 2, 4, 8][value >>> 6]!
        this.#expect('header', (isSingle ? 0 : 1) + [0, 1, 2, 4][value & 3]! + contentSize)
        return
      }
      case 'header':
        this.#expect('block', 3)
        return
      case 'block':
        this.#isLast = (value & 1) !== 0
        this.#expect('content', ((value >>> 1) & 3) === 1 ? 1 : value >>> 3)
        return
      case 'content':
        if (!this.#isLast) this.#expect('block', 3)
        else this.#expect('checksum', this.#hasChecksum ? 4 : 0)
        return
      case 'skipped size':
        this.#expect('skipped', value)
        return
      case 'checksum':
      case 'skipped':
        this.#expect('magic', 4)
        this.isBetween = true
        return
      case 'unknown':
    }
  }

  #expect(field: Field, size: number): void {
    this.#field = field
    this.#left = size
    this.#value = 0
    this.#factor = 1
  }
}
