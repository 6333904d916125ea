/**
 * The tar format: per member a header block of 512 bytes (name, octal numbers, checksum, type), then the contents padded to blocks;
 * two zero blocks end it. Dialects read: v7, ustar, GNU (`L`/`K` long names, base-256 numbers) and pax (`x`/`g` records).
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "Basic Tar Format" in the manual of GNU tar.
 */
import { quoteBytes } from '@baryon/format'

import {
  type ArchiveEntry,
  type ArchiveVisitor,
  corrupt,
  normalisePath,
  plausibleTime,
  unsafe,
  unsupported,
} from './archive-entry.ts'
import { ByteReader, type ByteSource } from './byte-reader.ts'

/** Reads a whole tar stream, also what follows its end mark. `archive` names it in errors. */
export async function readTar(source: ByteSource, archive: string, visitor: ArchiveVisitor): Promise<void> {
  const reader = new ByteReader(source, archive)
  try {
    const globals = new Map<string, string>()
    let local = new Map<string, string>()
    let members = 0
    for (;;) {
      const block = await reader.block(blockSize)
      if (block === undefined && members === 0) throw corrupt(archive, 'it holds no tar archive')
      if (block === undefined || isZero(block)) break
      members += 1
      const header = parseHeader(block, archive)
      switch (header.type) {
        case 'x':
        case 'X':
          parseRecords(await extension(reader, header, archive), archive, local)
          continue
        case 'g':
          parseRecords(await extension(reader, header, archive), archive, globals)
          continue
        case 'L':
          local.set('path', untilNul(await extension(reader, header, archive)))
          continue
        case 'K':
          local.set('linkpath', untilNul(await extension(reader, header, archive)))
          continue
        case 'V':
          await reader.skip(padded(header.size))
          continue
      }
      const records = globals.size === 0 ? local : new Map([...globals, ...local])
      local = new Map()
      await readMember(reader, header, records, archive, visitor)
    }
    await reader.drain()
  } finally {
    await reader.close()
  }
}

const blockSize = 512

/** Long names and pax records beyond this are not met in honest archives. */
const extensionLimit = 1024 * 1024

interface Header {
  readonly name: string
  readonly mode: number
  readonly size: number
  readonly modified: number
  readonly type: string
  readonly target: string
}

async function readMember(
  reader: ByteReader,
  header: Header,
  records: ReadonlyMap<string, string>,
  archive: string,
  visitor: ArchiveVisitor,
): Promise<void> {
  for (const key of records.keys()) {
    if (key.startsWith('GNU.sparse.')) throw unsupported(archive, `${quoteBytes(header.name)} is a sparse file`)
  }
  const name = records.get('path') ?? header.name
  const size = records.has('size') ? paxNumber(records.get('size')!, archive) : header.size
  const kind = kindOf(header.type, name, archive)
  const path = normalisePath(name, archive)
  if (path === '' && kind !== 'directory') throw unsafe(archive, `a member of type ${kind} has no name`)
  const target = records.get('linkpath') ?? header.target
  if (kind === 'symlink' && (target === '' || target.includes('\0'))) {
    throw unsafe(archive, `symlink ${quoteBytes(path)} has the target ${quoteBytes(target)}`)
  }
  const modified = plausibleTime(records.has('mtime') ? Number(records.get('mtime')) : header.modified)
  const entry: ArchiveEntry = {
    path,
    kind,
    mode: header.mode & 0o777,
    size: kind === 'file' ? size : 0,
    modified,
    target: kind === 'hardlink' ? normalisePath(target, archive) : kind === 'symlink' ? target : '',
  }
  // Links carry a size without contents in some dialects: GNU tar ignores it, too. A directory's would be skipped.
  const contents = kind === 'hardlink' || kind === 'symlink' ? 0 : size
  if (!visitor.accept(entry)) {
    await reader.skip(padded(contents))
    return
  }
  visitor.entry(entry)
  if (kind === 'file') {
    await reader.forward(contents, (chunk) => visitor.content(chunk))
    visitor.endFile()
    await reader.skip(padded(contents) - contents)
  } else {
    await reader.skip(padded(contents))
  }
}

function kindOf(type: string, name: string, archive: string): ArchiveEntry['kind'] {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      // Version 7 had no type for directories.
      return name.endsWith('/') ? 'directory' : 'file'
    case '1':
      return 'hardlink'
    case '2':
      return 'symlink'
    case '5':
      return 'directory'
    case '3':
    case '4':
    case '6':
      throw unsupported(archive, `${quoteBytes(name)} is a device node or a named pipe`)
    case 'S':
      throw unsupported(archive, `${quoteBytes(name)} is a sparse file`)
    default:
      throw unsupported(archive, `${quoteBytes(name)} has the unknown type ${quoteBytes(type)}`)
  }
}

function parseHeader(block: Uint8Array, archive: string): Header {
  // Latin-1 gives one character per byte, so offsets in the text are offsets in the block.
  const text = Buffer.from(block.buffer, block.byteOffset, blockSize).toString('latin1', 0, blockSize)
  let sum = 0
  let signedSum = 0
  for (let index = 0; index < blockSize; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : block[index]!
    sum += byte
    signedSum += byte > 127 ? byte - 256 : byte
  }
  const stored = parseNumber(text.slice(148, 156), 'checksum', archive)
  // Some old programs added signed characters.
  if (stored !== sum && stored !== signedSum) throw corrupt(archive, 'a tar header does not match its checksum')
  const name = untilNul(text.slice(0, 100))
  const prefix = text.startsWith('ustar\0', 257) ? untilNul(text.slice(345, 500)) : ''
  const size = parseNumber(text.slice(124, 136), 'size', archive)
  if (size < 0) throw corrupt(archive, `${quoteBytes(name)} has a negative size`)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: parseNumber(text.slice(100, 108), 'mode', archive),
    size,
    modified: parseNumber(text.slice(136, 148), 'time', archive),
    type: text[156]!,
    target: untilNul(text.slice(157, 257)),
  }
}

/** Octal digits between blanks and NULs, or base 256 when the first bit is set. */
function parseNumber(field: string, what: string, archive: string): number {
  const first = field.charCodeAt(0)
  if ((first & 0x80) !== 0) {
    let value = (first & 0x40) !== 0 ? first - 256 : first & 0x3f
    for (let index = 1; index < field.length; index++) value = value * 256 + field.charCodeAt(index)
    if (!Number.isSafeInteger(value)) throw corrupt(archive, `a ${what} is out of range`)
    return value
  }
  const digits = /^[ \0]*([0-7]*)[ \0]*/.exec(field)!
  if (digits[0].length !== field.length && !/^[ \0]*[0-7]+[ \0]/.test(field)) {
    throw corrupt(archive, `a tar header has the ${what} ${quoteBytes(field)}`)
  }
  return digits[1] === '' ? 0 : Number.parseInt(digits[1]!, 8)
}

async function extension(reader: ByteReader, header: Header, archive: string): Promise<string> {
  if (header.size > extensionLimit) throw corrupt(archive, `a header of ${header.size} bytes`)
  const bytes = await reader.exactly(padded(header.size))
  return Buffer.from(bytes.buffer, bytes.byteOffset, header.size).toString('latin1', 0, header.size)
}

/** Records are `LENGTH KEY=VALUE\n`, where the length counts the whole record; an empty value takes a key back. */
function parseRecords(text: string, archive: string, into: Map<string, string>): void {
  let position = 0
  while (position < text.length) {
    // Padding by NULs is seen in the wild.
    if (text[position] === '\0') return
    const match = /^(\d{1,10}) ([^=]+)=/.exec(text.slice(position, position + 512))
    const length = match === null ? 0 : Number(match[1])
    if (match === null || length <= match[0].length || text[position + length - 1] !== '\n') {
      throw corrupt(archive, `a malformed pax record at offset ${position}`)
    }
    const value = text.slice(position + match[0].length, position + length - 1)
    if (value === '') into.delete(match[2]!)
    else into.set(match[2]!, value)
    position += length
  }
}

function paxNumber(text: string, archive: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw corrupt(archive, `a pax record has the size ${quoteBytes(text)}`)
  return value
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}

function untilNul(text: string): string {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}
