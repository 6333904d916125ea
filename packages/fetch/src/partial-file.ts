import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'

import { createHasher, type Hash, type HashAlgorithm, type Hasher, isSystemError, UserError } from '@baryon/format'

/** A file that grows beside its final name, hashed as it grows, and takes that name only when it is complete. */
export class PartialFile {
  readonly #destination: string
  readonly #temporary: string
  readonly #algorithms: readonly HashAlgorithm[]
  readonly #descriptor: number
  #hashers: readonly Hasher[]
  #open = true
  size = 0

  constructor(destination: string, algorithms: readonly HashAlgorithm[]) {
    const directory = dirname(destination)
    this.#destination = destination
    this.#algorithms = algorithms
    this.#hashers = algorithms.map(createHasher)
    // The name is cut because a suffix must fit into the 255 bytes of a name.
    const prefix = basename(destination).slice(0, 80)
    this.#temporary = join(directory, `.${prefix}.${process.pid}-${randomBytes(6).toString('hex')}.part`)
    this.#descriptor = onDisk(destination, () => {
      makeDirectories(directory, 0o755)
      return openSync(this.#temporary, 'wx', 0o644)
    })
  }

  write(chunk: Uint8Array): void {
    for (const hasher of this.#hashers) hasher.update(chunk)
    onDisk(this.#destination, () => {
      let written = 0
      while (written < chunk.length)
        written += writeSync(this.#descriptor, chunk, written, undefined, this.size + written)
    })
    this.size += chunk.length
  }

  restart(): void {
    onDisk(this.#destination, () => ftruncateSync(this.#descriptor, 0))
    this.#hashers = this.#algorithms.map(createHasher)
    this.size = 0
  }

  /** The hashes of what was written, in the order of the algorithms; nothing may be written after this but by a `restart`. */
  digests(): readonly Hash[] {
    return this.#hashers.map((hasher) => hasher.digest())
  }

  /** Moves the file to its final name, or to another one of the same file system; `durable` waits until it is on the disk. */
  commit(durable: boolean, destination = this.#destination): void {
    onDisk(destination, () => {
      makeDirectories(dirname(destination), 0o755)
      if (durable) fsyncSync(this.#descriptor)
      renameSync(this.#temporary, destination)
      if (durable) syncDirectory(dirname(destination))
    })
    this.#open = false
    closeSync(this.#descriptor)
  }

  /** Removes the file, unless it was committed. */
  discard(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#descriptor)
    try {
      unlinkSync(this.#temporary)
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
    }
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Does what writes to a place; an error of the system becomes one with a code. */
export function onDisk<T>(destination: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new UserError('FILE_UNWRITABLE', `${destination} cannot be written: ${cause.message}`, {
      hint: isSystemError(cause, 'ENOSPC', 'EDQUOT')
        ? 'free space on the disk'
        : 'check the directory and its permissions',
      cause,
    })
  }
}
