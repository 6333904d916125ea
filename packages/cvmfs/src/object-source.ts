import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { isSystemError, UserError } from '@baryon/format'

/** Where the files of a repository come from. Nothing that it gives is to be believed. */
export interface ObjectSource {
  /** For messages. */
  readonly name: string
  /**
   * The bytes of a file, by its name in the repository (`.cvmfspublished`, `data/02/a7fa…`); a piece is valid until the next one
   * is asked for. Throws `CVMFS_MISSING` where there is none. `isAgain` is true when what was given before was not right: caches on the way
   * are to be passed by.
   */
  open(name: string, options?: OpenOptions): AsyncIterable<Uint8Array>
  /**
   * All bytes of a small file at once, where the source has a quicker way for that; undefined when the file cannot be had this way, for whatever
   * reason: then `open` says why.
   */
  whole?(name: string, limit: number): Promise<Buffer | undefined>
}

export interface OpenOptions {
  readonly isAgain?: boolean
  readonly signal?: AbortSignal | undefined
}

/** A repository in a directory. */
export function directorySource(directory: string): ObjectSource {
  return {
    name: directory,
    async *open(name, { signal } = {}) {
      const descriptor = openFile(join(directory, name), name, directory)
      try {
        const buffer = Buffer.allocUnsafe(PIECE)
        for (;;) {
          signal?.throwIfAborted()
          const count = readSync(descriptor, buffer)
          if (count === 0) return
          yield buffer.subarray(0, count)
        }
      } catch (error) {
        if (!isSystemError(error, 'EISDIR', 'EIO')) throw error
        throw new UserError('CVMFS_UNREADABLE', `${name} of ${directory} cannot be read`, { cause: error })
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

const PIECE = 256 * 1024

function openFile(path: string, name: string, directory: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw missing(name, directory)
    throw new UserError('CVMFS_UNREADABLE', `${name} of ${directory} cannot be read`, { cause: error })
  }
}

export function missing(name: string, source: string): UserError {
  return new UserError('CVMFS_MISSING', `${source} has no ${name}`, {
    hint: name.startsWith('data/')
      ? 'the repository is damaged, or a replica is not complete: use another server'
      : 'is it the address of a CVMFS repository?',
  })
}

/** Bytes that a manifest, a whitelist or a certificate has at the most. */
export const SMALL_FILE_LIMIT = 64 * 1024

/** All bytes of the manifest or the whitelist. */
export function readSmallFile(
  source: ObjectSource,
  name: '.cvmfspublished' | '.cvmfswhitelist',
  options: OpenOptions = {},
): Promise<Buffer> {
  return readWhole(source, name, SMALL_FILE_LIMIT, options)
}

/** All bytes of a file that may not be larger than `limit`. */
export async function readWhole(
  source: ObjectSource,
  name: string,
  limit: number,
  options: OpenOptions = {},
): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of source.open(name, options)) {
    size += piece.length
    if (size > limit) throw new UserError('CVMFS_SIZE', `${name} of ${source.name} has more than ${limit} bytes`)
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}
