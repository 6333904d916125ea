/** The NAR of a tree as pieces that are asked for: the walk stops while whoever takes them does something else. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { createNarWriter, type NarVisitor, type NarWriter, UserError } from '@baryon/format'
import { type NativePath, nativePath, pathBytes, pathError } from './byte-path.ts'
import { fileTypeOf } from './walk-tree.ts'

/** What is said of each node of the tree while its NAR is made; `offset` is where the contents of a file begin. */
export type NarObserver = Omit<NarVisitor, 'content' | 'startFile'> & {
  startFile(size: number, executable: boolean, offset: number): void
}

export interface NarChunksOptions {
  readonly observer?: NarObserver | undefined
  /** Bytes of each piece but the last; default 256 KiB. */
  readonly size?: number
  /** Gives memory of that size for a piece; by default fresh. */
  readonly allocate?: (size: number) => Buffer
}

/**
 * Yields the archive in pieces, which stay valid. `dumpNar` is faster (no copy) where nothing has to wait.
 * Throws as `walkTree` does.
 */
export function* narChunks(path: NativePath, options: NarChunksOptions = {}): Generator<Uint8Array, void> {
  const { observer, size = READ_SIZE, allocate = Buffer.allocUnsafeSlow } = options
  const dump: Dump = { blocks: [], block: allocate(size), size, used: 0, observer, allocate, writer: undefined! }
  dump.writer = createNarWriter((chunk) => collect(dump, chunk))
  const top = pathBytes(path)
  yield* dumpObject(dump, top, fileTypeOf(attempt(top, 'read', () => lstatSync(nativePath(top)))))
  dump.writer.end()
  yield* dump.blocks
  if (dump.used > 0) yield dump.block.subarray(0, dump.used)
}

const READ_SIZE = 256 * 1024

interface Dump {
  blocks: Uint8Array[]
  block: Buffer
  used: number
  readonly size: number
  readonly allocate: (size: number) => Buffer
  writer: NarWriter
  readonly observer: NarObserver | undefined
}

function collect(dump: Dump, chunk: Uint8Array): void {
  for (let position = 0; position < chunk.length; ) {
    const count = Math.min(chunk.length - position, dump.size - dump.used)
    dump.block.set(chunk.subarray(position, position + count), dump.used)
    dump.used += count
    position += count
    if (dump.used < dump.size) continue
    dump.blocks.push(dump.block)
    dump.block = dump.allocate(dump.size)
    dump.used = 0
  }
}

function* hand(dump: Dump): Generator<Uint8Array, void> {
  if (dump.blocks.length === 0) return
  const { blocks } = dump
  dump.blocks = []
  yield* blocks
}

function* dumpObject(dump: Dump, path: string, type: ReturnType<typeof fileTypeOf>): Generator<Uint8Array, void> {
  switch (type) {
    case 'regular':
      return yield* dumpFile(dump, path)
    case 'directory':
      return yield* dumpDirectory(dump, path)
    case 'symlink': {
      const target = attempt(path, 'read the link', () => readlinkSync(nativePath(path), { encoding: 'latin1' }))
      dump.writer.symlink(target)
      dump.observer?.symlink(target)
      return
    }
    case 'unknown':
      throw new UserError(
        'FILE_TYPE_UNSUPPORTED',
        `'${Buffer.from(path, 'latin1')}' is neither a file, a directory nor a symbolic link`,
        { hint: 'sockets, pipes and devices cannot be in a store: remove it or filter it out' },
      )
  }
}

function* dumpDirectory(dump: Dump, path: string): Generator<Uint8Array, void> {
  const entries = attempt(path, 'read the directory', () =>
    readdirSync(nativePath(path), { withFileTypes: true, encoding: 'latin1' }),
  )
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  dump.writer.startDirectory()
  dump.observer?.startDirectory()
  for (const entry of entries) {
    dump.writer.entry(entry.name)
    dump.observer?.entry(entry.name)
    yield* dumpObject(dump, `${path}/${entry.name}`, fileTypeOf(entry))
  }
  dump.writer.endDirectory()
  dump.observer?.endDirectory()
}

const buffer = Buffer.allocUnsafeSlow(READ_SIZE)

function* dumpFile(dump: Dump, path: string): Generator<Uint8Array, void> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const fd = attempt(path, 'read', () => openSync(nativePath(path), flags))
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw changed(path)
    const executable = (stat.mode & 0o100) !== 0
    dump.writer.startFile(stat.size, executable)
    dump.observer?.startFile(stat.size, executable, dump.writer.size)
    for (let left = stat.size; left > 0; ) {
      const count = attempt(path, 'read', () => readSync(fd, buffer, 0, Math.min(left, READ_SIZE), null))
      if (count === 0) throw changed(path)
      dump.writer.content(buffer.subarray(0, count))
      left -= count
      yield* hand(dump)
    }
    dump.writer.endFile()
    dump.observer?.endFile()
    // Small files never come by the loop above with a whole piece behind them.
    yield* hand(dump)
  } finally {
    closeSync(fd)
  }
}

function attempt<T>(path: string, what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw pathError('FILE_UNREADABLE', what, path, error)
  }
}

function changed(path: string): UserError {
  return new UserError('FILE_CHANGED', `'${Buffer.from(path, 'latin1')}' changed while it was read`, {
    hint: 'wait until nothing writes to it',
  })
}
