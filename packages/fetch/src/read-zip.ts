/**
 * The zip format: per member a local header (`PK\3\4`), name and data; then the central directory (`PK\1\2` …), which alone is
 * believed, and its end record (`PK\5\6`, preceded by a zip64 one for large archives).
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { crc32 } from 'node:zlib'

import { quoteBytes } from '@baryon/format'

import { type ArchiveEntry, type ArchiveVisitor, corrupt, normalisePath, unsafe, unsupported } from './archive-entry.ts'
import { type Compression, decompress } from './decompress.ts'
import { readAt, readFileRange } from './file-range.ts'

/** Reads a zip file of `size` bytes. `onRead` gets the compressed bytes that were read. */
export async function readZip(
  descriptor: number,
  size: number,
  archive: string,
  visitor: ArchiveVisitor,
  onRead?: (bytes: number) => void,
): Promise<void> {
  const members = readDirectory(descriptor, size, archive)
  let end = 0
  // The order of the data is also the one in which overlaps (a zip bomb's trick) are seen.
  for (const member of members.toSorted((a, b) => a.offset - b.offset)) {
    if (member.offset < end) throw unsafe(archive, `${quoteBytes(member.name)} overlaps with another member`)
    end = await readMember(descriptor, size, member, archive, visitor, onRead)
  }
}

interface Member {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly offset: number
  readonly mode: number
  readonly modified: number
}

const targetLimit = 4096
const directoryLimit = 512 * 1024 * 1024

async function readMember(
  descriptor: number,
  fileSize: number,
  member: Member,
  archive: string,
  visitor: ArchiveVisitor,
  onRead?: (bytes: number) => void,
): Promise<number> {
  const quoted = quoteBytes(member.name)
  const local = readAt(descriptor, member.offset, 30)
  if (local.length < 30 || local.readUInt32LE(0) !== 0x04034b50) throw corrupt(archive, `${quoted} has no local header`)
  const start = member.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const end = start + member.compressedSize
  if (end > fileSize) throw corrupt(archive, `${quoted} reaches behind the end of the file`)
  if ((member.flags & 0x2041) !== 0) throw unsupported(archive, `${quoted} is encrypted`)
  const path = normalisePath(member.name, archive)
  const type = member.mode & 0o170000
  if (type !== 0 && type !== 0o100000 && type !== 0o040000 && type !== 0o120000) {
    throw unsupported(archive, `${quoted} is a device node, a socket or a named pipe`)
  }
  const kind = type === 0o040000 || member.name.endsWith('/') ? 'directory' : type === 0o120000 ? 'symlink' : 'file'
  if (path === '' && kind !== 'directory') throw unsafe(archive, `a member of type ${kind} has no name`)
  const mode = type === 0 ? (kind === 'directory' ? 0o755 : 0o644) : member.mode & 0o777
  const data = () => memberData(descriptor, start, end, member, archive, onRead)
  let target = ''
  if (kind === 'symlink') {
    if (member.size > targetLimit) throw corrupt(archive, `symlink ${quoted} has a target of ${member.size} bytes`)
    for await (const chunk of data()) target += Buffer.from(chunk).toString('latin1')
    if (target === '' || target.includes('\0'))
      throw unsafe(archive, `symlink ${quoted} has the target ${quoteBytes(target)}`)
  }
  const size = kind === 'file' ? member.size : 0
  const entry: ArchiveEntry = { path, kind, mode, size, modified: member.modified, target }
  if (!visitor.accept(entry)) return end
  visitor.entry(entry)
  if (kind === 'file') {
    for await (const chunk of data()) visitor.content(chunk)
    visitor.endFile()
  }
  return end
}

async function* memberData(
  descriptor: number,
  start: number,
  end: number,
  member: Member,
  archive: string,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const what = `${archive}, member ${quoteBytes(member.name)}`
  let crc = 0
  let size = 0
  for await (const chunk of decompress(
    readFileRange(descriptor, start, end, onRead),
    methodOf(member, archive),
    what,
  )) {
    size += chunk.length
    if (size > member.size) break
    crc = crc32(chunk, crc)
    yield chunk
  }
  if (size !== member.size) throw corrupt(archive, `${quoteBytes(member.name)} does not have its ${member.size} bytes`)
  if (crc !== member.crc) throw corrupt(archive, `${quoteBytes(member.name)} does not match its checksum`)
}

function methodOf(member: Member, archive: string): Compression {
  switch (member.method) {
    case 0:
      return 'none'
    case 8:
      return 'deflate'
    case 12:
      return 'bzip2'
    case 93:
      return 'zstd'
    case 95:
      return 'xz'
    default:
      throw unsupported(archive, `${quoteBytes(member.name)} is compressed by method ${member.method}`)
  }
}

function readDirectory(descriptor: number, fileSize: number, archive: string): readonly Member[] {
  const { count, size, offset } = findDirectory(descriptor, fileSize, archive)
  if (size > directoryLimit || offset + size > fileSize)
    throw corrupt(archive, 'its directory lies outside of the file')
  const bytes = readAt(descriptor, offset, size)
  const members: Member[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) {
      throw corrupt(archive, `its directory is malformed at member ${index}`)
    }
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28)
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30)
    const next = extraEnd + bytes.readUInt16LE(at + 32)
    if (next > bytes.length) throw corrupt(archive, `its directory is malformed at member ${index}`)
    const fields = readExtra(bytes, nameEnd, extraEnd, {
      size: bytes.readUInt32LE(at + 24),
      compressedSize: bytes.readUInt32LE(at + 20),
      offset: bytes.readUInt32LE(at + 42),
      modified: dosTime(bytes.readUInt16LE(at + 14), bytes.readUInt16LE(at + 12)),
    })
    if (!Number.isSafeInteger(fields.size + fields.compressedSize + fields.offset)) {
      throw corrupt(archive, `member ${index} has a size out of range`)
    }
    members.push({
      name: bytes.toString('latin1', at + 46, nameEnd),
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      // Host 3 is Unix: only it keeps modes.
      mode: bytes[at + 5] === 3 || bytes[at + 5] === 19 ? bytes.readUInt16LE(at + 40) : 0,
      ...fields,
    })
    at = next
  }
  return members
}

interface DirectoryPlace {
  readonly count: number
  readonly size: number
  readonly offset: number
}

function findDirectory(descriptor: number, fileSize: number, archive: string): DirectoryPlace {
  const tailStart = Math.max(0, fileSize - 65557)
  const tail = readAt(descriptor, tailStart, fileSize - tailStart)
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || at + 22 + tail.readUInt16LE(at + 20) > tail.length) continue
    if (tail.readUInt16LE(at + 4) !== 0 && tail.readUInt16LE(at + 4) !== 0xffff) {
      throw unsupported(archive, 'it is split into several files')
    }
    const place = {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    }
    if (place.count !== 0xffff && place.size !== 0xffffffff && place.offset !== 0xffffffff) return place
    if (at < 20 || tail.readUInt32LE(at - 20) !== 0x07064b50) return place
    const place64 = Number(tail.readBigUInt64LE(at - 12))
    if (place64 > fileSize) throw corrupt(archive, 'its zip64 record lies behind its end')
    const large = readAt(descriptor, place64, 56)
    if (large.length < 56 || large.readUInt32LE(0) !== 0x06064b50)
      throw corrupt(archive, 'its zip64 record is malformed')
    return {
      count: Number(large.readBigUInt64LE(32)),
      size: Number(large.readBigUInt64LE(40)),
      offset: Number(large.readBigUInt64LE(48)),
    }
  }
  throw corrupt(archive, 'it has no zip directory: it may be truncated')
}

interface Fields {
  readonly size: number
  readonly compressedSize: number
  readonly offset: number
  readonly modified: number
}

function readExtra(bytes: Buffer, start: number, end: number, fields: Fields): Fields {
  let { size, compressedSize, offset, modified } = fields
  for (let at = start; at + 4 <= end; ) {
    const id = bytes.readUInt16LE(at)
    let position = at + 4
    const limit = Math.min(end, position + bytes.readUInt16LE(at + 2))
    if (id === 1) {
      // The 64-bit numbers are there only for fields that are full of ones, in this order.
      const wide = (value: number) => {
        if (value !== 0xffffffff || position + 8 > limit) return value
        position += 8
        return Number(bytes.readBigUInt64LE(position - 8))
      }
      size = wide(size)
      compressedSize = wide(compressedSize)
      offset = wide(offset)
    } else if (id === 0x5455 && limit - position >= 5 && (bytes[position]! & 1) !== 0) {
      modified = bytes.readInt32LE(position + 1)
    }
    at = limit
  }
  return { size, compressedSize, offset, modified }
}

function dosTime(date: number, time: number): number {
  const year = 1980 + (date >>> 9)
  const month = ((date >>> 5) & 15) - 1
  return Date.UTC(year, month, date & 31, time >>> 11, (time >>> 5) & 63, (time & 31) * 2) / 1000
}
