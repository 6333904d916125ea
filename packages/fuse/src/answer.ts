/**
 * Answers to requests of the kernel: a header of 16 bytes (length, negative error or 0, the request's unique number), and what
 * belongs to the operation (linux/fuse.h).
 *
 *     10000000 feffffff 0600000000000000      -ENOENT to request 6
 */
import type { Timeouts } from './answer-to.ts'
import type { Attributes, Listed, Node } from './file-system.ts'

export const HEADER = 16
const ATTRIBUTES = 88
const ENTRY = 40 + ATTRIBUTES
const DIRENT = 24

export function formatError(unique: number, errno: number): Buffer {
  return start(unique, HEADER, -errno)
}

export function formatEmpty(unique: number): Buffer {
  return start(unique, HEADER)
}

export function formatBytes(unique: number, bytes: string): Buffer {
  const answer = start(unique, HEADER + bytes.length)
  answer.write(bytes, HEADER, 'latin1')
  return answer
}

/** A node, or that there is none. */
export function formatEntry(unique: number, node: Node | undefined, timeouts: Timeouts): Buffer {
  const answer = start(unique, HEADER + ENTRY)
  writeEntry(answer, HEADER, node, timeouts)
  return answer
}

export function formatAttributes(unique: number, node: Node, timeouts: Timeouts): Buffer {
  const answer = start(unique, HEADER + 16 + ATTRIBUTES)
  writeWord(answer, HEADER, attributeTimeout(node, timeouts))
  writeAttributes(answer, HEADER + 16, node.id, node)
  return answer
}

/** The flags are those of `OPEN`. */
export function formatOpen(unique: number, handle: number, flags: number): Buffer {
  const answer = start(unique, HEADER + 16)
  writeWord(answer, HEADER, handle)
  answer.writeUInt32LE(flags, HEADER + 8)
  return answer
}

export const OPEN = { keepCache: 1 << 1, cacheDirectory: 1 << 3 } as const

/** How large a value is that the caller has not given room for. */
export function formatSize(unique: number, size: number): Buffer {
  const answer = start(unique, HEADER + 8)
  answer.writeUInt32LE(size, HEADER)
  return answer
}

export function formatStatistics(
  unique: number,
  { blockSize, blocks, files }: { readonly blockSize: number; readonly blocks: number; readonly files: number },
): Buffer {
  const answer = start(unique, HEADER + 80)
  writeWord(answer, HEADER, blocks)
  writeWord(answer, HEADER + 24, files)
  answer.writeUInt32LE(blockSize, HEADER + 40)
  answer.writeUInt32LE(LONGEST_NAME, HEADER + 44)
  answer.writeUInt32LE(blockSize, HEADER + 48)
  return answer
}

export interface Agreement {
  readonly minor: number
  readonly readAhead: number
  readonly flags: number
  /** Pages of 4096 bytes that one answer may have. */
  readonly mostPages: number
}

export function formatAgreement(unique: number, { minor, readAhead, flags, mostPages }: Agreement): Buffer {
  const answer = start(unique, HEADER + 64)
  answer.writeUInt32LE(7, HEADER)
  answer.writeUInt32LE(minor, HEADER + 4)
  answer.writeUInt32LE(readAhead, HEADER + 8)
  answer.writeUInt32LE(flags, HEADER + 12)
  // Requests ahead of their need that may be under way, and from when on the kernel holds back.
  answer.writeUInt16LE(64, HEADER + 16)
  answer.writeUInt16LE(48, HEADER + 18)
  answer.writeUInt32LE(LEAST_WRITE, HEADER + 20)
  answer.writeUInt32LE(1, HEADER + 24)
  answer.writeUInt16LE(mostPages, HEADER + 28)
  return answer
}

/**
 * The entries of a directory from `offset` on, as many as `size` bytes have room for. The offset of an entry is one more than
 * its index. With nodes, the kernel need not look them up one by one.
 */
export function formatList(unique: number, { entries, offset, size, withNodes, timeouts }: Listing): Buffer {
  const answer = Buffer.allocUnsafe(HEADER + size)
  let end = HEADER
  for (let index = offset; index < entries.length; index++) {
    const { name, node } = entries[index]!
    const header = withNodes ? ENTRY + DIRENT : DIRENT
    const next = end + ((header + name.length + 7) & ~7)
    if (next > answer.length) break
    answer.fill(0, end, next)
    // `.` and `..` are no nodes that the kernel would look up.
    if (withNodes && name !== '.' && name !== '..') writeEntry(answer, end, node, timeouts)
    const at = end + header - DIRENT
    writeWord(answer, at, node.id)
    writeWord(answer, at + 8, index + 1)
    answer.writeUInt32LE(name.length, at + 16)
    answer.writeUInt32LE((node.mode >> 12) & 0xf, at + 20)
    answer.write(name, at + DIRENT, 'latin1')
    end = next
  }
  writeHeader(answer, unique, end, 0)
  return answer.subarray(0, end)
}

export interface Listing {
  readonly entries: readonly Listed[]
  readonly offset: number
  readonly size: number
  readonly withNodes: boolean
  readonly timeouts: Timeouts
}

export function writeHeader(answer: Buffer, unique: number, length: number, error: number): void {
  answer.writeUInt32LE(length, 0)
  answer.writeInt32LE(error, 4)
  writeWord(answer, 8, unique)
}

/** What the kernel wants at least, though nothing is written. */
const LEAST_WRITE = 4096
const LONGEST_NAME = 255

function start(unique: number, length: number, error = 0): Buffer {
  const answer = Buffer.alloc(length)
  writeHeader(answer, unique, length, error)
  return answer
}

/** Without a node: that there is none. */
function writeEntry(answer: Buffer, at: number, node: Node | undefined, timeouts: Timeouts): void {
  writeWord(answer, at, node?.id ?? 0)
  writeWord(answer, at + 16, timeouts.entry)
  if (node === undefined) return
  writeWord(answer, at + 24, attributeTimeout(node, timeouts))
  writeAttributes(answer, at + 40, node.id, node)
}

function attributeTimeout({ mode }: Node, { entry, directory }: Timeouts): number {
  return mode >> 12 === DIRECTORY ? directory : entry
}

const DIRECTORY = 4

function writeAttributes(answer: Buffer, at: number, id: number, attributes: Attributes): void {
  const { mode, size, links, uid, gid, device, time, nanoseconds } = attributes
  writeWord(answer, at, id)
  writeWord(answer, at + 8, size)
  writeWord(answer, at + 16, Math.ceil(size / 512))
  for (const place of [24, 32, 40]) writeWord(answer, at + place, time)
  // Whatever a hostile source says of a file is cut to what the kernel has room for.
  const halves = [nanoseconds, nanoseconds, nanoseconds, mode, links, uid, gid, device, BLOCK]
  for (const [index, half] of halves.entries()) answer.writeUInt32LE(half >>> 0, at + 48 + index * 4)
}

const BLOCK = 4096

/** Times before 1970 are negative. */
export function writeWord(answer: Buffer, at: number, value: number): void {
  answer.writeUInt32LE(value >>> 0, at)
  answer.writeInt32LE(Math.floor(value / 2 ** 32) | 0, at + 4)
}
