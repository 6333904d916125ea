import { constants } from 'node:os'
import {
  formatAttributes,
  formatBytes,
  formatEmpty,
  formatEntry,
  formatError,
  formatList,
  formatOpen,
  formatSize,
  formatStatistics,
  HEADER,
  OPEN,
  writeHeader,
} from './answer.ts'
import { type FileSystem, FileSystemError, type Listed } from './file-system.ts'
import type { Request } from './request.ts'

export interface AnswerOptions {
  readonly timeouts: Timeouts
  /** Neither need be opened where the kernel offers that, and two of three questions about a small file are saved. */
  readonly withoutOpen: boolean
  readonly withoutOpenDirectory: boolean
}

/** Seconds for which the kernel may use what it was told. */
export interface Timeouts {
  /** Of names and attributes. */
  readonly entry: number
  /** Of the attributes of directories, which decide whether their lists are as they were. */
  readonly directory: number
}

/**
 * The bytes of the answer; undefined for what gets none. They are valid until the next call. Throws what the file system throws but for
 * FileSystemError, which is an answer.
 */
export function answerTo(fileSystem: FileSystem, request: Request, options: AnswerOptions): Buffer | undefined {
  try {
    return answer(fileSystem, request, options)
  } catch (error) {
    if (error instanceof FileSystemError) return formatError(request.unique, error.errno)
    throw error
  }
}

function answer(fileSystem: FileSystem, request: Request, options: AnswerOptions): Buffer | undefined {
  const { unique, node } = request
  switch (request.kind) {
    case 'lookup':
      return formatEntry(unique, fileSystem.lookup(node, request.name), options.timeouts)
    case 'attributes':
      return formatAttributes(unique, fileSystem.node(node), options.timeouts)
    case 'read-link':
      return formatBytes(unique, fileSystem.readLink(node))
    case 'open':
      if (options.withoutOpen) throw new FileSystemError('ENOSYS')
      if ((request.flags & ACCESS_MODE) !== 0) throw new FileSystemError('EROFS')
      return formatOpen(unique, 0, OPEN.keepCache)
    case 'read':
      return read(fileSystem, request)
    case 'open-directory':
      if (options.withoutOpenDirectory) throw new FileSystemError('ENOSYS')
      return formatOpen(unique, 0, OPEN.keepCache | OPEN.cacheDirectory)
    case 'list': {
      const { offset, size, withNodes } = request
      const entries = listWithDots(fileSystem, node)
      return formatList(unique, {
        entries,
        offset,
        size: Math.min(size, LARGEST),
        withNodes,
        timeouts: options.timeouts,
      })
    }
    case 'release':
    case 'release-directory':
      return formatEmpty(unique)
    case 'xattr': {
      const value = fileSystem.xattr(node, request.name)
      if (value === undefined) throw new FileSystemError('ENODATA')
      return sized(unique, value, request.size)
    }
    case 'xattr-names':
      return sized(
        unique,
        fileSystem
          .xattrNames(node)
          .map((name) => `${name}\0`)
          .join(''),
        request.size,
      )
    case 'statistics':
      return formatStatistics(unique, fileSystem.statistics())
    case 'forget':
    case 'interrupt':
      return undefined
    case 'destroy':
      return formatEmpty(unique)
    case 'flush':
    case 'init':
    case 'other':
      // The kernel does not ask for it again.
      return formatError(unique, constants.errno.ENOSYS)
  }
}

function read(fileSystem: FileSystem, request: Request & { readonly kind: 'read' }): Buffer {
  const size = Math.min(request.size, LARGEST)
  const target = readBuffer.subarray(HEADER, HEADER + size)
  const length = HEADER + fileSystem.read(request.node, request.offset, target)
  writeHeader(readBuffer, request.unique, length, 0)
  return readBuffer.subarray(0, length)
}

function listWithDots(fileSystem: FileSystem, id: number): readonly Listed[] {
  const entries = fileSystem.list(id)
  let known = withDots.get(entries)
  if (known === undefined) {
    const node = fileSystem.node(id)
    // Nobody looks at the number behind `..`.
    known = [{ name: '.', node }, { name: '..', node }, ...entries]
    withDots.set(entries, known)
  }
  return known
}

/** A list that the file system gives again comes in pages: 10,000 entries are not to be copied for each. */
const withDots = new WeakMap<readonly Listed[], readonly Listed[]>()

function sized(unique: number, value: string, room: number): Buffer {
  if (room === 0) return formatSize(unique, value.length)
  if (value.length > room) throw new FileSystemError('ERANGE')
  return formatBytes(unique, value)
}

export const LARGEST = 1024 * 1024
/** O_WRONLY and O_RDWR; `node:fs` has them as well, and would be all that is needed of it here. */
const ACCESS_MODE = 3
/** One for each thread. */
const readBuffer = Buffer.allocUnsafeSlow(HEADER + LARGEST)
