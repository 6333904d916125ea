/**
 * .xz streams with SHA-256 checks, by a decoder that knows none: each block is handed to it as a stream of its own without a check, and
 * the check is made here. Where a block ends follows from the headers of its LZMA2 chunks, so that nothing is decoded twice.
 *
 *     stream header (12): FD "7zXZ" 00, flags 00 0A, CRC32 of the flags
 *     block:              header, LZMA2 chunks, zeros up to a multiple of 4, SHA-256 of the output
 *     index:              00, count, per block its size without zeros and its output size, zeros, CRC32
 *     stream footer (12): CRC32, size of the index, flags, "YZ"
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

import { corrupt } from './archive-entry.ts'
import type { ByteReader, ByteSource } from './byte-reader.ts'

export const sha256Check = 0x0a

/** The check that a stream header announces. */
export function checkOf(header: Uint8Array): number {
  return header.length < 8 ? -1 : header[7]! & 0x0f
}

/** `decode` decodes a stream without a check; `header` is the first stream's and has been read. */
export async function* decompressXzSha256(
  reader: ByteReader,
  header: Uint8Array,
  what: string,
  decode: (source: ByteSource, what: string) => ByteSource,
): AsyncGenerator<Uint8Array> {
  for (let head: Uint8Array | undefined = header; head !== undefined; head = await nextHeader(reader, what)) {
    checkHeader(head, what)
    const blocks: Block[] = []
    for (;;) {
      const first = (await reader.exactly(1))[0]!
      if (first === 0) break
      const size = (first + 1) * 4
      const block: Block = { unpadded: size, uncompressed: 0 }
      const blockHeader = Buffer.concat([Buffer.of(first), await reader.exactly(size - 1)])
      const hash = createHash('sha256')
      for await (const chunk of decode(asStream(reader, blockHeader, block, what), what)) {
        hash.update(chunk)
        yield chunk
      }
      if (!hash.digest().equals(await reader.exactly(checkSize)))
        throw corrupt(what, 'a block does not match its checksum')
      block.unpadded += checkSize
      blocks.push(block)
    }
    await checkIndex(reader, blocks, what)
  }
}

interface Block {
  /** Header, chunks and check. */
  unpadded: number
  uncompressed: number
}

const checkSize = 32
const magic = Buffer.from('fd377a585a00', 'hex')
const noCheck = Buffer.alloc(2)

/** The block as a whole stream; `block` is complete when it has been read. */
async function* asStream(
  reader: ByteReader,
  blockHeader: Buffer,
  block: Block,
  what: string,
): AsyncGenerator<Uint8Array> {
  yield Buffer.concat([magic, noCheck, checksum(noCheck), blockHeader])
  for (;;) {
    const control = (await reader.exactly(1))[0]!
    block.unpadded += 1
    if (control === 0) break
    const header = Buffer.from(await reader.exactly(control >= 0xc0 ? 5 : control >= 0x80 ? 4 : 2))
    let size: number
    if (control >= 0x80) {
      block.uncompressed += ((control & 0x1f) << 16) + header.readUInt16BE(0) + 1
      size = header.readUInt16BE(2) + 1
    } else if (control <= 2) {
      size = header.readUInt16BE(0) + 1
      block.uncompressed += size
    } else {
      throw corrupt(what, 'a chunk of LZMA2 with an unknown type')
    }
    block.unpadded += header.length + size
    yield Buffer.concat([Buffer.of(control), header, await reader.exactly(size)])
  }
  const padding = Buffer.from(await reader.exactly(-block.unpadded & 3))
  const list = Buffer.concat([Buffer.of(0, 1), varint(block.unpadded), varint(block.uncompressed)])
  const index = Buffer.concat([list, Buffer.alloc(-list.length & 3)])
  const backward = Buffer.alloc(4)
  backward.writeUInt32LE(index.length / 4)
  const footer = Buffer.concat([backward, noCheck])
  yield Buffer.concat([Buffer.of(0), padding, index, checksum(index), checksum(footer), footer, Buffer.from('YZ')])
}

async function checkIndex(reader: ByteReader, blocks: readonly Block[], what: string): Promise<void> {
  const numbers = [blocks.length, ...blocks.flatMap(({ unpadded, uncompressed }) => [unpadded, uncompressed])]
  const list = Buffer.concat([Buffer.of(0), ...numbers.map(varint)])
  const index = Buffer.concat([list, Buffer.alloc(-list.length & 3)])
  const backward = Buffer.alloc(4)
  backward.writeUInt32LE(index.length / 4)
  const footer = Buffer.concat([backward, Buffer.of(0, sha256Check)])
  // Numbers have one way to be written only, so the whole end of the stream is known.
  const expected = Buffer.concat([index.subarray(1), checksum(index), checksum(footer), footer, Buffer.from('YZ')])
  if (!expected.equals(await reader.exactly(expected.length)))
    throw corrupt(what, 'its index does not describe its blocks')
}

/** The header of the next stream, behind padding; undefined at the end. */
async function nextHeader(reader: ByteReader, what: string): Promise<Uint8Array | undefined> {
  for (;;) {
    const word = await reader.block(4)
    if (word === undefined) return undefined
    if (word.every((byte) => byte === 0)) continue
    const start = Buffer.from(word)
    const header = Buffer.concat([start, await reader.exactly(8)])
    if (checkOf(header) !== sha256Check)
      throw corrupt(what, 'streams with different checks, or something that is no xz data')
    return header
  }
}

function checkHeader(header: Uint8Array, what: string): void {
  const flags = header.subarray(6, 8)
  const whole = Buffer.concat([magic, flags, checksum(flags)])
  if (flags[0] !== 0 || flags[1] !== sha256Check || !whole.equals(header)) throw corrupt(what, 'a damaged xz header')
}

function checksum(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(bytes))
  return sum
}

/** Seven bits per byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Buffer.from([...bytes, rest])
}
