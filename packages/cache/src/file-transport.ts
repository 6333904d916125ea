import { randomBytes } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import { syncDirectory } from '@baryon/store'
import { fileMissing, tooLarge } from './cache-error.ts'
import type { Body, Transport } from './transport.ts'

/** A cache in a directory. */
export function fileTransport(directory: string): Transport {
  const url = `file://${directory}`
  return {
    url,
    isLocal: true,
    scratchDirectory: join(directory, 'nar'),
    async get(name, limit) {
      return onDisk(`${url}/${name}`, () => {
        const file = join(directory, name)
        if (statSync(file).size > limit) throw tooLarge(url, name, limit)
        return readFileSync(file)
      })
    },
    has: async (name) => existsSync(join(directory, name)),
    async *read(name, offset) {
      const fd = onDisk(`${url}/${name}`, () => openSync(join(directory, name), 'r'))
      if (fd === undefined) throw fileMissing(url, name)
      try {
        const memory = Buffer.allocUnsafeSlow(READ_SIZE)
        for (let position = offset; ; ) {
          const count = onDisk(`${url}/${name}`, () => readSync(fd, memory, 0, READ_SIZE, position)) ?? 0
          if (count === 0) return
          position += count
          yield memory.subarray(0, count)
        }
      } finally {
        closeSync(fd)
      }
    },
    async put(name, body) {
      const file = join(directory, name)
      writable(`${url}/${name}`, () => place(file, body))
    },
  }
}

const READ_SIZE = 256 * 1024

function place(file: string, body: Body): void {
  makeDirectories(dirname(file))
  const aside = `${file}.tmp-${process.pid}-${randomBytes(6).toString('hex')}`
  try {
    if (body.kind === 'file') moveOrCopy(body.path, aside)
    else write(aside, body.kind === 'bytes' ? [body.bytes] : body.open())
    sync(aside)
    renameSync(aside, file)
    syncDirectory(dirname(file))
  } finally {
    rmSync(aside, { force: true })
    if (body.kind === 'file') rmSync(body.path, { force: true })
  }
}

function moveOrCopy(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isSystemError(error, 'EXDEV')) throw error
    copyFileSync(from, to)
  }
}

function write(file: string, chunks: Iterable<Uint8Array>): void {
  const fd = openSync(file, 'wx', 0o644)
  try {
    for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
  } finally {
    closeSync(fd)
  }
}

function sync(file: string): void {
  const fd = openSync(file, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Undefined for a file that is not there. */
function onDisk<T>(what: string, action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EISDIR', 'ELOOP', 'EIO', 'ESTALE', 'ENAMETOOLONG')) throw error
    throw new UserError('CACHE_UNREADABLE', `${what} cannot be read (${error.code})`, {
      hint: 'check the directory and its permissions',
      cause: error,
    })
  }
}

export function writable<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const full = isSystemError(error, 'ENOSPC', 'EDQUOT')
    throw new UserError(full ? 'DISK_FULL' : 'CACHE_UNWRITABLE', `${what} cannot be written: ${error.message}`, {
      hint: full ? 'free space on the disk' : 'check the directory and its permissions',
      cause: error,
    })
  }
}
