/** Trees of files as NAR archives on disk and back: sources that are hashed recursively are kept in this form. */
import {
  chmodSync,
  closeSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs'

import {
  createHasher,
  createNarParser,
  createNarWriter,
  type Hash,
  type HashAlgorithm,
  type NarWriter,
  quoteBytes,
  UserError,
} from '@baryon/format'

/** Writes the NAR of a file, directory or symlink; chunks are valid during the call only. */
export function writeTreeArchive(path: string, sink: (chunk: Uint8Array) => void): number {
  const writer = createNarWriter(sink)
  writeNode(Buffer.from(path), writer)
  writer.end()
  return writer.size
}

/** The hash that Nix calls recursive. */
export function hashTree(path: string, algorithm: HashAlgorithm): Hash {
  const hasher = createHasher(algorithm)
  writeTreeArchive(path, (chunk) => hasher.update(chunk))
  return hasher.digest()
}

/** Makes the tree of a NAR file at `destination`, which must not exist. */
export async function restoreTreeArchive(file: string, destination: string): Promise<void> {
  const stack: string[] = []
  let next = Buffer.from(destination).toString('latin1')
  let descriptor = -1
  const parser = createNarParser({
    startDirectory: () => {
      mkdirSync(bytes(next), 0o755)
      chmodSync(bytes(next), 0o755)
      stack.push(next)
    },
    entry: (name) => {
      next = `${stack.at(-1)}/${name}`
    },
    endDirectory: () => {
      stack.pop()
    },
    startFile: (_size, executable) => {
      descriptor = openSync(bytes(next), 'wx', executable ? 0o755 : 0o644)
      chmodSync(bytes(next), executable ? 0o755 : 0o644)
    },
    content: (chunk) => {
      let written = 0
      while (written < chunk.length) written += writeSync(descriptor, chunk, written)
    },
    endFile: () => {
      closeSync(descriptor)
      descriptor = -1
    },
    symlink: (target) => symlinkSync(bytes(target), bytes(next)),
  })
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) parser.write(chunk as Uint8Array)
    parser.end()
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new UserError('ARCHIVE_WRITE', `${file} could not be unpacked: ${cause.message}`, {
      hint: 'check the destination directory, and the space on its disk',
      cause,
    })
  } finally {
    if (descriptor >= 0) closeSync(descriptor)
  }
}

const bufferSize = 256 * 1024

function writeNode(path: Buffer, writer: NarWriter): void {
  const stat = lstatSync(path)
  if (stat.isDirectory()) {
    writer.startDirectory()
    // Names sort by bytes, and one character of Latin-1 is one byte.
    const names = readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
    for (const name of names.sort()) {
      writer.entry(name)
      writeNode(Buffer.concat([path, Buffer.from(`/${name}`, 'latin1')]), writer)
    }
    writer.endDirectory()
  } else if (stat.isSymbolicLink()) {
    writer.symlink(readlinkSync(path, { encoding: 'buffer' }).toString('latin1'))
  } else if (stat.isFile()) {
    writeFile(path, stat.size, (stat.mode & 0o100) !== 0, writer)
  } else {
    throw new UserError(
      'SOURCE_UNSUPPORTED',
      `${quoteBytes(path.toString('latin1'))} is no file, directory or symlink`,
      {
        hint: 'sources cannot hold device nodes, sockets or named pipes',
      },
    )
  }
}

function writeFile(path: Buffer, size: number, executable: boolean, writer: NarWriter): void {
  writer.startFile(size, executable)
  const descriptor = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(Math.min(bufferSize, Math.max(size, 1)))
    for (let left = size; left > 0; ) {
      const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, left), null)
      if (count === 0) {
        throw new UserError(
          'SOURCE_CHANGED',
          `${quoteBytes(path.toString('latin1'))} became shorter while it was read`,
          {
            hint: 'try again when nothing writes to it',
          },
        )
      }
      writer.content(buffer.subarray(0, count))
      left -= count
    }
  } finally {
    closeSync(descriptor)
  }
  writer.endFile()
}

function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}
