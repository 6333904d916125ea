/**
 * Trees on disk as NARs: dumping, restoring and hashing. Everything streams; memory does not grow with sizes.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import {
  createNarParser,
  createNarWriter,
  type Hash,
  type HashAlgorithm,
  type HashMethod,
  isSystemError,
  type NarVisitor,
  UserError,
} from '@baryon/format'
import { type NativePath, nativePath, pathBytes, pathError } from './byte-path.ts'
import { hashStream } from './hash-stream.ts'
import { removeTree } from './remove-tree.ts'
import { type WalkOptions, walkTree } from './walk-tree.ts'

/** Sends the NAR of the tree to `sink`, in chunks that are valid during the call only. Gives its size. */
export function dumpNar(path: NativePath, sink: (chunk: Uint8Array) => void, options: WalkOptions = {}): number {
  const writer = createNarWriter(sink)
  walkTree(path, writer, options)
  writer.end()
  return writer.size
}

/** Hash and size of the NAR (`recursive`, the default) or of the bytes of one regular file (`flat`). */
export function hashPath(
  path: NativePath,
  algorithm: HashAlgorithm = 'sha256',
  options: WalkOptions & { readonly method?: HashMethod } = {},
): { readonly hash: Hash; readonly size: number } {
  const { hash, result: size } = hashStream(algorithm, (update) =>
    options.method === 'flat' ? readFlatFile(path, update) : dumpNar(path, update, options),
  )
  return { hash, size }
}

/** Sends the bytes of one regular file to `sink` and gives their number; refuses everything else with `NOT_A_FILE`. */
export function readFlatFile(path: NativePath, sink: (chunk: Uint8Array) => void): number {
  let size = 0
  const refuse = () => {
    throw new UserError('NOT_A_FILE', `'${Buffer.from(pathBytes(path), 'latin1')}' is not a regular file`, {
      hint: 'a flat hash is of one file: use the recursive method for directories and links',
    })
  }
  walkTree(path, {
    startDirectory: refuse,
    entry: refuse,
    endDirectory: refuse,
    symlink: refuse,
    startFile: (announced) => {
      size = announced
    },
    content: sink,
    endFile: () => undefined,
  })
  return size
}

/**
 * Unpacks a NAR to `path`, where nothing may be.
 * After an error nothing is left there. No hostile archive gets out of the directory: names are single components,
 * directories are made by us in this very call, and files are opened exclusively, so that no link is ever followed.
 */
export function restoreNar(path: NativePath, chunks: Iterable<Uint8Array>, options: RestoreOptions = {}): void {
  const restorer = createTreeRestorer(path, options)
  try {
    const parser = createNarParser(restorer)
    for (const chunk of chunks) parser.write(chunk)
    parser.end()
  } catch (error) {
    restorer.abort()
    throw error
  }
}

export interface RestoreOptions {
  /**
   * Modes and times as `canonicaliseTree` gives them, set while files are open: a walk of its own would cost as much as
   * the writing. Default: modes 0755 and 0644, the time of writing.
   */
  readonly canonical?: boolean
}

export interface TreeRestorer extends NarVisitor {
  /** Closes and removes what was written so far. */
  abort(): void
}

/** A visitor that writes what it is told to `path`. */
export function createTreeRestorer(path: NativePath, { canonical = false }: RestoreOptions = {}): TreeRestorer {
  const top = pathBytes(path)
  if (lstatSync(nativePath(top), { throwIfNoEntry: false }) !== undefined) {
    throw new UserError('PATH_EXISTS', `'${Buffer.from(top, 'latin1')}' already exists`, {
      hint: 'unpack to a path where nothing is',
    })
  }
  const directories: string[] = []
  let current = top
  let fd = -1
  let mode = 0
  let created = false
  const accessTime = Date.now() / 1000
  const close = () => {
    if (fd >= 0) closeSync(fd)
    fd = -1
  }
  const attempt = <T>(action: () => T): T => {
    try {
      const result = action()
      created = true
      return result
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) {
        // Names of one directory differ, so this file system takes some for equal, or somebody else writes here.
        throw new UserError('PATH_EXISTS', `'${Buffer.from(current, 'latin1')}' already exists`, {
          hint: 'the file system may not tell upper from lower case',
          cause: error,
        })
      }
      throw error instanceof Error && 'syscall' in error ? pathError(writeCode(error), 'write', current, error) : error
    }
  }
  return {
    startDirectory: () => {
      attempt(() => mkdirSync(nativePath(current), 0o755))
      directories.push(current)
    },
    entry: (name) => {
      current = `${directories.at(-1)}/${name}`
    },
    endDirectory: () => {
      const directory = directories.pop()!
      if (!canonical) return
      chmodSync(nativePath(directory), 0o555)
      utimesSync(nativePath(directory), accessTime, 1)
    },
    startFile: (_size, executable) => {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
      mode = executable ? 0o755 : 0o644
      fd = attempt(() => openSync(nativePath(current), flags, mode))
    },
    content: (chunk) => {
      attempt(() => {
        for (let written = 0; written < chunk.length; ) written += writeSync(fd, chunk, written)
      })
    },
    endFile: () => {
      if (canonical) {
        fchmodSync(fd, mode & 0o555)
        futimesSync(fd, accessTime, 1)
      }
      close()
    },
    symlink: (target) => {
      attempt(() => symlinkSync(nativePath(target), nativePath(current)))
      if (canonical) lutimesSync(nativePath(current), accessTime, 1)
    },
    abort: () => {
      close()
      if (created) removeTree(nativePath(top))
    },
  }
}

function writeCode(error: unknown): string {
  return isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'DISK_FULL' : 'FILE_UNWRITABLE'
}
