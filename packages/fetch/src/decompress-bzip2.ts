/**
 * The .bz2 format: `BZh9`, blocks (magic 0x314159265359, CRC, origin, symbol map, selectors, Huffman tables, codes), an end mark
 * (0x177245385090, combined CRC), all packed bit by bit, most significant first; streams may be concatenated.
 *
 * Decoded here because the packages to be had take twice as long, or hold the whole file in memory.
 */
import { UserError } from '@baryon/format'

import type { ByteSource } from './byte-reader.ts'

/** More than a block of 900 kB can take: 900,000 codes of 20 bits, 18,002 selectors of 6 bits, and tables. */
const windowSize = 4 * 1024 * 1024

const outputSize = 256 * 1024

export async function* decompressBzip2(source: ByteSource, what: string): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const state = new BlockDecoder(what)
  let ended = false
  async function fill(): Promise<void> {
    while (!ended && state.available() < windowSize) {
      const next = await iterator.next()
      if (next.done === true) ended = true
      else state.supply(next.value)
    }
  }
  await fill()
  let streams = 0
  for (;;) {
    if (streams > 0 && state.available() === 0 && ended) return
    const level = state.readStreamHeader(streams > 0)
    // As the real program does: what follows the last stream and is not one is ignored.
    if (level === undefined) return
    streams += 1
    let combined = 0
    for (;;) {
      await fill()
      const crc = state.readBlock(level)
      if (crc === undefined) break
      yield* state.output()
      if (state.crc !== crc) throw state.corrupt('a block does not match its checksum')
      combined = ((combined << 1) | (combined >>> 31)) ^ crc
    }
    state.finishStream(combined)
    await fill()
  }
}

class BlockDecoder {
  readonly #what: string
  // Grows to what the input needs: most logs and patches are small.
  #input: Uint8Array = new Uint8Array(64 * 1024)
  #start = 0
  #end = 0
  #bits = 0
  #bitCount = 0
  #transform = new Uint32Array(0)
  #length = 0
  #origin = 0
  /** CRC of the output of the last block, valid when `output` has been read to its end. */
  crc = 0

  constructor(what: string) {
    this.#what = what
  }

  available(): number {
    return this.#end - this.#start
  }

  supply(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#input.length) {
      const held = this.available()
      const target = held + chunk.length > this.#input.length ? new Uint8Array((held + chunk.length) * 2) : this.#input
      target.set(this.#input.subarray(this.#start, this.#end))
      this.#input = target
      this.#start = 0
      this.#end = held
    }
    this.#input.set(chunk, this.#end)
    this.#end += chunk.length
  }

  corrupt(reason: string): UserError {
    return new UserError('ARCHIVE_CORRUPT', `${this.#what} has corrupt bzip2 data: ${reason}`, {
      hint: 'fetch the file again, and check its hash',
    })
  }

  /** The size of blocks in units of 100 kB; undefined when there is no further stream. */
  readStreamHeader(further: boolean): number | undefined {
    const input = this.#input
    const at = this.#start
    const level = input[at + 3]! - 0x30
    if (
      this.available() < 4 ||
      input[at] !== 0x42 ||
      input[at + 1] !== 0x5a ||
      input[at + 2] !== 0x68 ||
      !(level >= 1 && level <= 9)
    ) {
      if (further) return undefined
      throw this.corrupt(this.available() < 4 ? 'the input is truncated' : 'the input does not start with BZh1 to BZh9')
    }
    this.#start += 4
    this.#bits = 0
    this.#bitCount = 0
    return level
  }

  finishStream(combined: number): void {
    const stored = ((this.#read(16) << 16) | this.#read(16)) >>> 0
    if (stored !== combined >>> 0) throw this.corrupt('the whole does not match its checksum')
    // Bytes are taken one by one, so fewer than eight bits are left, and they are padding.
    this.#bitCount = 0
    this.#bits = 0
  }

  #read(count: number): number {
    while (this.#bitCount < count) {
      if (this.#start >= this.#end) throw this.corrupt('the input is truncated')
      this.#bits = (this.#bits << 8) | this.#input[this.#start++]!
      this.#bitCount += 8
    }
    this.#bitCount -= count
    return (this.#bits >>> this.#bitCount) & ((1 << count) - 1)
  }

  /** Decodes a block up to the inverse sorting; returns its checksum, or undefined at the end of the stream. */
  readBlock(level: number): number | undefined {
    const high = this.#read(24)
    const low = this.#read(24)
    if (high === 0x177245 && low === 0x385090) return undefined
    if (high !== 0x314159 || low !== 0x265359) throw this.corrupt('a block does not begin with its mark')
    const crc = ((this.#read(16) << 16) | this.#read(16)) >>> 0
    if (this.#transform.length < level * 100000) this.#transform = new Uint32Array(level * 100000)
    if (this.#read(1) !== 0) throw this.corrupt('a randomised block (of bzip2 0.9 and before)')
    this.#origin = this.#read(24)
    const symbols = this.#readSymbolMap()
    const codeCount = symbols.length + 2
    const tableCount = this.#read(3)
    const selectorCount = this.#read(15)
    if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw this.corrupt('a bad number of tables')
    const selectors = this.#readSelectors(tableCount, selectorCount)
    const tables: HuffmanTable[] = []
    for (let index = 0; index < tableCount; index++) tables.push(this.#readTable(codeCount))
    this.#readCodes(level * 100000, symbols, selectors, tables)
    if (this.#origin >= this.#length) throw this.corrupt('a bad origin')
    return crc
  }

  #readSymbolMap(): Uint8Array {
    const groups = this.#read(16)
    const symbols: number[] = []
    for (let group = 0; group < 16; group++) {
      if ((groups & (0x8000 >>> group)) === 0) continue
      const used = this.#read(16)
      for (let bit = 0; bit < 16; bit++) if ((used & (0x8000 >>> bit)) !== 0) symbols.push(group * 16 + bit)
    }
    if (symbols.length === 0) throw this.corrupt('a block without symbols')
    return Uint8Array.from(symbols)
  }

  #readSelectors(tableCount: number, selectorCount: number): Uint8Array {
    const recent = [0, 1, 2, 3, 4, 5]
    const selectors = new Uint8Array(selectorCount)
    for (let index = 0; index < selectorCount; index++) {
      let rank = 0
      while (this.#read(1) === 1) {
        rank += 1
        if (rank >= tableCount) throw this.corrupt('a bad selector')
      }
      const table = recent[rank]!
      recent.splice(rank, 1)
      recent.unshift(table)
      selectors[index] = table
    }
    return selectors
  }

  #readTable(codeCount: number): HuffmanTable {
    const lengths = new Uint8Array(codeCount)
    let length = this.#read(5)
    for (let symbol = 0; symbol < codeCount; symbol++) {
      for (;;) {
        if (length < 1 || length > 20) throw this.corrupt('a bad code length')
        if (this.#read(1) === 0) break
        length += this.#read(1) === 0 ? 1 : -1
      }
      lengths[symbol] = length
    }
    return buildTable(lengths)
  }

  /** Huffman codes, run lengths and move-to-front; then the links of the inverse Burrows-Wheeler transform. */
  #readCodes(limit: number, symbols: Uint8Array, selectors: Uint8Array, tables: readonly HuffmanTable[]): void {
    const transform = this.#transform
    const counts = new Uint32Array(256)
    const recent = symbols.slice()
    const endOfBlock = symbols.length + 1
    const input = this.#input
    const inputEnd = this.#end
    let at = this.#start
    let bits = this.#bits
    let bitCount = this.#bitCount
    let length = 0
    let runLength = 0
    let runWeight = 1
    let group = 0
    let left = 0
    let table = tables[0]!
    for (;;) {
      if (left === 0) {
        if (group >= selectors.length) throw this.corrupt('more codes than selectors')
        table = tables[selectors[group++]!]!
        left = 50
      }
      left -= 1
      while (bitCount < 20) {
        // Zeros past the end stand for missing bits; a code made of them is noticed below.
        bits = (bits << 8) | (at < inputEnd ? input[at]! : 0)
        at += 1
        bitCount += 8
      }
      const quick = table.quick[(bits >>> (bitCount - quickBits)) & quickMask]!
      let code: number
      if (quick !== 0) {
        code = quick >>> 5
        bitCount -= quick & 31
      } else {
        let size = quickBits + 1
        let value = (bits >>> (bitCount - size)) & ((1 << size) - 1)
        while (value > table.limit[size]!) {
          size += 1
          if (size > 20) throw this.corrupt('a code that is not in its table')
          value = (bits >>> (bitCount - size)) & ((1 << size) - 1)
        }
        const index = value - table.base[size]!
        if (index < 0 || index >= table.sorted.length) throw this.corrupt('a code that is not in its table')
        code = table.sorted[index]!
        bitCount -= size
      }
      if (code <= 1) {
        if (runWeight > limit) throw this.corrupt('a run that is too long')
        runLength += runWeight << code
        runWeight <<= 1
        continue
      }
      if (runWeight > 1) {
        if (length + runLength > limit) throw this.corrupt('a block that is too long')
        const byte = recent[0]!
        counts[byte]! += runLength
        transform.fill(byte, length, length + runLength)
        length += runLength
        runLength = 0
        runWeight = 1
      }
      if (code === endOfBlock) break
      if (length >= limit) throw this.corrupt('a block that is too long')
      const rank = code - 1
      const byte = recent[rank]!
      recent.copyWithin(1, 0, rank)
      recent[0] = byte
      counts[byte]! += 1
      transform[length++] = byte
    }
    // Whole bytes that were looked at but not used go back.
    while (bitCount >= 8) {
      at -= 1
      bitCount -= 8
    }
    if (at > inputEnd) throw this.corrupt('the input is truncated')
    this.#start = at
    this.#bits = bitCount === 0 ? 0 : input[at - 1]!
    this.#bitCount = bitCount
    this.#length = length
    let sum = 0
    for (let byte = 0; byte < 256; byte++) {
      const count = counts[byte]!
      counts[byte] = sum
      sum += count
    }
    for (let index = 0; index < length; index++) {
      const byte = transform[index]! & 0xff
      transform[counts[byte]!++]! |= index << 8
    }
  }

  /** The bytes of the block: the inverse transform walked, and the first run-length coding undone. */
  *output(): Generator<Uint8Array> {
    const transform = this.#transform
    const total = this.#length
    let crc = -1
    let position = transform[this.#origin]! >>> 8
    let out = Buffer.allocUnsafe(outputSize)
    let filled = 0
    let last = -1
    let repeated = 0
    for (let count = 0; count < total; count++) {
      const entry = transform[position]!
      const byte = entry & 0xff
      position = entry >>> 8
      if (repeated === 4) {
        for (let times = byte; times > 0; times--) {
          crc = (crc << 8) ^ crcTable[((crc >>> 24) ^ last) & 0xff]!
          out[filled++] = last
        }
        repeated = 0
        last = -1
      } else {
        if (byte === last) repeated += 1
        else {
          last = byte
          repeated = 1
        }
        crc = (crc << 8) ^ crcTable[((crc >>> 24) ^ byte) & 0xff]!
        out[filled++] = byte
      }
      if (filled > outputSize - 256) {
        yield out.subarray(0, filled)
        out = Buffer.allocUnsafe(outputSize)
        filled = 0
      }
    }
    this.crc = ~crc >>> 0
    if (filled > 0) yield out.subarray(0, filled)
  }
}

interface HuffmanTable {
  /** For the first bits of a short code: symbol << 5 | length; 0 for longer codes. */
  readonly quick: Uint16Array
  /** By length: the largest code, -1 when there is none. */
  readonly limit: Int32Array
  /** By length: what to subtract from a code to get the index of its symbol. */
  readonly base: Int32Array
  readonly sorted: Uint16Array
}

const quickBits = 11
const quickMask = (1 << quickBits) - 1

function buildTable(lengths: Uint8Array): HuffmanTable {
  const quick = new Uint16Array(1 << quickBits)
  const limit = new Int32Array(22).fill(-1)
  const base = new Int32Array(22)
  const sorted = new Uint16Array(lengths.length)
  let code = 0
  let index = 0
  for (let length = 1; length <= 20; length++) {
    base[length] = code - index
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue
      sorted[index++] = symbol
      if (length <= quickBits) {
        const first = code << (quickBits - length)
        // An over-full table runs past the end, where `fill` does nothing.
        quick.fill((symbol << 5) | length, first, first + (1 << (quickBits - length)))
      }
      code += 1
    }
    if (index > 0) limit[length] = code - 1
    code <<= 1
  }
  return { quick, limit, base, sorted }
}

const crcTable = makeCrcTable()

function makeCrcTable(): Int32Array {
  const table = new Int32Array(256)
  for (let index = 0; index < 256; index++) {
    let value = index << 24
    for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
    table[index] = value
  }
  return table
}
