/**
 * The bytes that stock zlib gives (RFC 1950 and 1951; `deflateInit(Z_DEFAULT_COMPRESSION)` of zlib 1.2 and 1.3), for texts.
 *
 * The real `cvmfs_swissknife pull` unpacks certificate and meta information of the repository that it copies, compresses them again with
 * the zlib that it has inside, and stores them under the names of the originals: with other bytes than its own the copy would have
 * two damaged objects, one of which no client can do without. What Node has inside finds other matches, hence this.
 *
 * Level 6 looks one byte further before it takes a match (`deflate_slow`), and one block with the cheapest of the three
 * kinds of codes holds everything, since a text has fewer tokens than a block holds.
 */
import { UserError } from '@baryon/format'
import { BitWriter } from './bit-writer.ts'
import { codeLengths, codes } from './huffman.ts'
import { findMatches, LONGEST, SHORTEST, type Token } from './stock-matches.ts'

/** Bytes that are one block of stock zlib for sure. */
export const STOCK_LIMIT = 16_383

/** Throws `CVMFS_SIZE` above `STOCK_LIMIT` bytes. */
export function deflateAsStock(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length > STOCK_LIMIT) {
    throw new UserError('CVMFS_SIZE', `${bytes.length} bytes are too much for a certificate or meta information`, {
      hint: `they may have ${STOCK_LIMIT} bytes at most`,
    })
  }
  const out = new BitWriter()
  out.bits(0x9c78, 16)
  writeBlock(out, bytes, findMatches(bytes))
  out.align()
  for (const byte of adler32(bytes)) out.bits(byte, 8)
  return out.finish()
}

const END = 256
const LENGTHS = extraBits([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0], 3)
const DISTANCES = extraBits(
  [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13],
  1,
)
const FIXED_LITERALS = Uint8Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8))
const FIXED_DISTANCES = new Uint8Array(30).fill(5)

function writeBlock(out: BitWriter, bytes: Uint8Array, tokens: readonly Token[]): void {
  const literalCounts = new Uint32Array(286)
  const distanceCounts = new Uint32Array(30)
  literalCounts[END] = 1
  for (const { distance, value } of tokens) {
    if (distance === 0) literalCounts[value]!++
    else {
      literalCounts[END + 1 + LENGTHS.code(value)]!++
      distanceCounts[DISTANCES.code(distance)]!++
    }
  }
  const literals = codeLengths(literalCounts, 15)
  const distances = codeLengths(distanceCounts, 15)
  const header = describeCodes(literals, distances)
  const price = (literalLengths: Uint8Array, distanceLengths: Uint8Array): number =>
    literalCounts.reduce(
      (sum, count, n) => sum + count * (literalLengths[n]! + (n > END ? LENGTHS.extra[n - END - 1]! : 0)),
      0,
    ) + distanceCounts.reduce((sum, count, n) => sum + count * (distanceLengths[n]! + DISTANCES.extra[n]!), 0)
  const toBytes = (bits: number): number => (bits + 3 + 7) >> 3
  const fixed = toBytes(price(FIXED_LITERALS, FIXED_DISTANCES))
  const dynamic = toBytes(price(literals, distances) + header.price)
  if (bytes.length + 4 <= Math.min(fixed, dynamic)) {
    out.bits(1, 3)
    out.align()
    out.bits(bytes.length, 16)
    out.bits(~bytes.length & 0xffff, 16)
    for (const byte of bytes) out.bits(byte, 8)
  } else if (fixed <= dynamic) {
    out.bits(1 + (1 << 1), 3)
    writeTokens(out, tokens, FIXED_LITERALS, FIXED_DISTANCES)
  } else {
    out.bits(1 + (2 << 1), 3)
    header.write(out)
    writeTokens(out, tokens, literals, distances)
  }
}

function writeTokens(out: BitWriter, tokens: readonly Token[], literals: Uint8Array, distances: Uint8Array): void {
  const literalCodes = codes(literals)
  const distanceCodes = codes(distances)
  for (const { distance, value } of tokens) {
    if (distance === 0) {
      out.bits(literalCodes[value]!, literals[value]!)
      continue
    }
    const length = LENGTHS.code(value)
    out.bits(literalCodes[END + 1 + length]!, literals[END + 1 + length]!)
    out.bits(value - LENGTHS.base[length]!, LENGTHS.extra[length]!)
    const code = DISTANCES.code(distance)
    out.bits(distanceCodes[code]!, distances[code]!)
    out.bits(distance - DISTANCES.base[code]!, DISTANCES.extra[code]!)
  }
  out.bits(literalCodes[END]!, literals[END]!)
}

/** The order in which lengths of the codes for lengths are written. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** How the two codes are told: their lengths, with repetitions, in a code of their own. */
function describeCodes(
  literals: Uint8Array,
  distances: Uint8Array,
): { readonly price: number; write(out: BitWriter): void } {
  const used = (lengths: Uint8Array): Uint8Array => lengths.subarray(0, lengths.findLastIndex((n) => n > 0) + 1)
  const [literalLengths, distanceLengths] = [used(literals), used(distances)]
  // Each of its own: stock zlib does not let a repetition go on into the other one.
  const runs = [...repetitions(literalLengths), ...repetitions(distanceLengths)]
  const runCounts = new Uint32Array(19)
  for (const { code } of runs) runCounts[code]!++
  const lengths = codeLengths(runCounts, 7)
  const told = Math.max(4, ORDER.findLastIndex((code) => lengths[code]! > 0) + 1)
  return {
    price: 14 + 3 * told + runs.reduce((sum, { code, extra }) => sum + lengths[code]! + extra, 0),
    write(out) {
      out.bits(literalLengths.length - 257, 5)
      out.bits(distanceLengths.length - 1, 5)
      out.bits(told - 4, 4)
      for (const code of ORDER.slice(0, told)) out.bits(lengths[code]!, 3)
      const runCodes = codes(lengths)
      for (const { code, value, extra } of runs) {
        out.bits(runCodes[code]!, lengths[code]!)
        out.bits(value, extra)
      }
    },
  }
}

/** A length of a code, or a repetition (16: of the last one, 17 and 18: of zeros) with its count in `extra` bits. */
interface Run {
  readonly code: number
  readonly value: number
  readonly extra: number
}

function repetitions(lengths: Uint8Array): Run[] {
  const runs: Run[] = []
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!
    const isSame = length === (lengths[at - 1] ?? -1)
    let count = 1
    const most = length === 0 ? 138 : isSame ? 6 : 7
    while (count < most && lengths[at + count] === length) count++
    at += count
    if (length === 0 && count >= 3) {
      runs.push(count <= 10 ? { code: 17, value: count - 3, extra: 3 } : { code: 18, value: count - 11, extra: 7 })
    } else {
      const repeated = length !== 0 && (isSame ? count >= 3 : count >= 4)
      if (!repeated) for (let n = 0; n < count; n++) runs.push({ code: length, value: 0, extra: 0 })
      else {
        if (!isSame) runs.push({ code: length, value: 0, extra: 0 })
        runs.push({ code: 16, value: count - (isSame ? 3 : 4), extra: 2 })
      }
    }
  }
  return runs
}

/** A scale of codes that stand for a range of values each, with `extra` bits to tell which. */
function extraBits(
  extra: readonly number[],
  first: number,
): {
  readonly extra: readonly number[]
  readonly base: readonly number[]
  code(value: number): number
} {
  const base: number[] = []
  let next = first
  for (const bits of extra) {
    base.push(next)
    next += 1 << bits
  }
  // The longest match has a code of its own, one value earlier than the scale says.
  if (first === SHORTEST) base[base.length - 1] = LONGEST
  return { extra, base, code: (value) => base.findLastIndex((low) => low <= value) }
}

/** Big-endian, as it stands at the end of a zlib stream. */
function adler32(bytes: Uint8Array): Buffer {
  let [a, b] = [1, 0]
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt16BE(b, 0)
  sum.writeUInt16BE(a, 2)
  return sum
}
