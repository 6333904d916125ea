import { closeSync, fstatSync, openSync } from 'node:fs'
import { basename } from 'node:path'

import { isSystemError, UserError } from '@baryon/format'

import type { ArchiveEntry, ArchiveVisitor } from './archive-entry.ts'
import { corrupt, unsafe } from './archive-entry.ts'
import { ByteReader, type ByteSource } from './byte-reader.ts'
import { decompress, detectCompression } from './decompress.ts'
import { readAt, readFileRange } from './file-range.ts'
import { findDebMember } from './read-deb.ts'
import { readTar } from './read-tar.ts'
import { readZip } from './read-zip.ts'
import { TreeWriter, type TreeWriterOptions } from './tree-writer.ts'

export interface UnpackProgress {
  /** Compressed bytes read so far, and the size of the archive. */
  readonly bytes: number
  readonly totalBytes: number
  readonly entries: number
}

export interface UnpackOptions extends TreeWriterOptions {
  /** Drops so many leading components of each name; members with no more than these are left out. */
  readonly stripComponents?: number
  /** False leaves a member out. It sees names after stripping. */
  readonly filter?: (entry: ArchiveEntry) => boolean
  readonly onProgress?: (progress: UnpackProgress) => void
  readonly signal?: AbortSignal
  /** What the archive is called in errors. Default: the name of its file. */
  readonly name?: string
  /** Refuses an archive that unpacks to more bytes than this. */
  readonly maximumSize?: number
}

export interface UnpackResult {
  readonly entries: number
  /** Bytes of file contents written. */
  readonly bytes: number
}

/**
 * Unpacks a `.tar` (plain or compressed by gzip, bzip2, xz, zstd), a `.zip` or the data of a `.deb` into a directory, which is made
 * when missing. What the file is follows from its contents, not from its name. No program of the host is used.
 *
 * Nothing is written outside of `destination`. Permissions are those of the archive without set-id and sticky bits, files are always
 * readable and directories always open to their owner; owners are ignored. On an error the destination holds a part of the tree.
 *
 * Errors: `ARCHIVE_CORRUPT`, `ARCHIVE_UNSAFE`, `ARCHIVE_UNSUPPORTED`, `ARCHIVE_UNKNOWN`, `ARCHIVE_WRITE`, `ARCHIVE_CONFLICT`.
 */
export async function unpackArchive(
  file: string,
  destination: string,
  options: UnpackOptions = {},
): Promise<UnpackResult> {
  const name = options.name ?? basename(file)
  const descriptor = openArchive(file)
  const writer = new TreeWriter(destination, name, options)
  try {
    const size = fstatSync(descriptor).size
    const visitor = new WritingVisitor(writer, name, size, options)
    await readArchive(descriptor, size, name, visitor, (bytes) => visitor.onRead(bytes))
    writer.finish()
    return { entries: visitor.entries, bytes: visitor.bytes }
  } finally {
    writer.abort()
    closeSync(descriptor)
  }
}

/** Reads any archive that `unpackArchive` knows; the visitor decides what becomes of the members. */
export async function readArchive(
  descriptor: number,
  size: number,
  name: string,
  visitor: ArchiveVisitor,
  onRead?: (bytes: number) => void,
): Promise<void> {
  const head = readAt(descriptor, 0, blockSize)
  const magic = head.toString('latin1')
  if (magic.startsWith('!<arch>\n')) {
    const member = findDebMember(descriptor, 'data', name)
    if (member.end > size) throw corrupt(name, `${member.name} reaches behind the end of the file`)
    const data = readFileRange(descriptor, member.start, member.end, onRead)
    await readTar(decompress(data, member.compression, name), name, visitor)
    return
  }
  if (magic.startsWith('PK\x03\x04') || magic.startsWith('PK\x05\x06') || magic.startsWith('PK\x07\x08')) {
    await readZip(descriptor, size, name, visitor, onRead)
    return
  }
  const compression = detectCompression(head)
  if (compression === 'none' && !looksLikeTar(head)) {
    throw new UserError('ARCHIVE_UNKNOWN', `${name} is not an archive of a known kind`, {
      hint: 'known are tar (plain, gzip, bzip2, xz, zstd), zip and deb; a web page saved under this name is a common cause',
    })
  }
  await readTar(decompress(readFileRange(descriptor, 0, size, onRead), compression, name), name, visitor)
}

/** Unpacks a stream that is an uncompressed tar. */
export async function unpackTarStream(
  source: ByteSource,
  name: string,
  destination: string,
  options: UnpackOptions = {},
) {
  const writer = new TreeWriter(destination, name, options)
  try {
    await readTar(source, name, new WritingVisitor(writer, name, 0, options))
    writer.finish()
  } finally {
    writer.abort()
  }
}

/** The control file of a Debian package: its text, field by field, as bytes. */
export async function readDebControl(file: string): Promise<string> {
  const name = basename(file)
  const descriptor = openArchive(file)
  try {
    const member = findDebMember(descriptor, 'control', name)
    let text = ''
    let inside = false
    const data = readFileRange(descriptor, member.start, member.end)
    await readTar(decompress(data, member.compression, name), name, {
      accept: (entry) => {
        inside = entry.path === 'control' && entry.kind === 'file' && entry.size < 1 << 20
        return inside
      },
      entry: () => {},
      content: (chunk) => {
        if (inside) text += Buffer.from(chunk).toString('latin1')
      },
      endFile: () => {},
    })
    return text
  } finally {
    closeSync(descriptor)
  }
}

/** Decompresses a single file (`data.txt.xz`) chunk by chunk; the compression follows from the contents. */
export async function* decompressFile(file: string): AsyncGenerator<Uint8Array> {
  const descriptor = openArchive(file)
  try {
    const size = fstatSync(descriptor).size
    const compression = detectCompression(readAt(descriptor, 0, 16))
    const reader = new ByteReader(decompress(readFileRange(descriptor, 0, size), compression, basename(file)), file)
    for (;;) {
      const chunk = await reader.some(Number.MAX_SAFE_INTEGER)
      if (chunk === undefined) return
      yield chunk
    }
  } finally {
    closeSync(descriptor)
  }
}

const blockSize = 512

class WritingVisitor implements ArchiveVisitor {
  entries = 0
  bytes = 0
  #read = 0
  readonly #writer: TreeWriter
  readonly #archive: string
  readonly #total: number
  readonly #options: UnpackOptions
  readonly #strip: number

  constructor(writer: TreeWriter, archive: string, total: number, options: UnpackOptions) {
    this.#writer = writer
    this.#archive = archive
    this.#total = total
    this.#options = options
    this.#strip = options.stripComponents ?? 0
  }

  onRead(bytes: number): void {
    this.#read += bytes
    this.#options.onProgress?.({ bytes: this.#read, totalBytes: this.#total, entries: this.entries })
  }

  accept(entry: ArchiveEntry): boolean {
    this.#options.signal?.throwIfAborted()
    const path = strip(entry.path, this.#strip)
    if (path === undefined || (path === '' && this.#strip > 0)) return false
    return this.#options.filter?.({ ...entry, path }) ?? true
  }

  entry(entry: ArchiveEntry): void {
    this.entries += 1
    const path = strip(entry.path, this.#strip)!
    switch (entry.kind) {
      case 'directory':
        this.#writer.directory(path, entry.mode, entry.modified)
        break
      case 'file':
        this.#writer.startFile(path, entry.mode, entry.modified)
        break
      case 'symlink':
        this.#writer.symlink(path, entry.target, entry.modified)
        break
      case 'hardlink': {
        const target = strip(entry.target, this.#strip)
        if (target === undefined || target === '')
          throw unsafe(this.#archive, `a hard link to ${entry.target}, which is left out`)
        this.#writer.hardLink(path, target)
      }
    }
  }

  content(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (this.bytes > (this.#options.maximumSize ?? Number.POSITIVE_INFINITY)) {
      throw unsafe(this.#archive, `it unpacks to more than ${this.#options.maximumSize} bytes`)
    }
    this.#writer.content(chunk)
  }

  endFile(): void {
    this.#writer.endFile()
  }
}

function strip(path: string, count: number): string | undefined {
  if (count === 0) return path
  const components = path.split('/')
  return components.length <= count ? undefined : components.slice(count).join('/')
}

function looksLikeTar(head: Buffer): boolean {
  if (head.length < blockSize) return false
  if (head.toString('latin1', 257, 262) === 'ustar') return true
  // Version 7 has no magic, only a checksum; an empty archive is nothing but zeros.
  let sum = 0
  for (let index = 0; index < blockSize; index++) sum += index >= 148 && index < 156 ? 0x20 : head[index]!
  return head.every((byte) => byte === 0) || Number.parseInt(head.toString('latin1', 148, 156).trim(), 8) === sum
}

function openArchive(file: string): number {
  try {
    return openSync(file, 'r')
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw cause
    throw new UserError('FILE_UNREADABLE', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
