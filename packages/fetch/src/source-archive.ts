/**
 * The source archive: every file that was ever fetched, by its hash, so that a vanished URL does not break a rebuild.
 *
 *     sha256/0a/0a4a2562…            the bytes of a file; a source hashed recursively is there as a NAR
 *     index/sha512/3f/3f9e…          other hashes of it: a file with the line `sha256 0a4a2562…`
 *     record/0a/0a4a2562….json       its size, name and origins
 *     tmp/                           what is being written
 *
 * There is nothing else: any number of processes may add to it, a copy by rsync is a copy, and any static web server that shows it
 * is a mirror.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeDirectories } from '@baryon/files'

import {
  createHasher,
  formatHash,
  type Hash,
  type HashAlgorithm,
  hashesEqual,
  isSystemError,
  parseHash,
  UserError,
} from '@baryon/format'

import { type FetchOptions, fetchUrl } from './fetch-url.ts'
import { onDisk, PartialFile } from './partial-file.ts'
import {
  archivedPath,
  formatIndex,
  formatRecord,
  indexPath,
  parseIndex,
  parseRecord,
  recordPath,
  type SourceRecord,
} from './source-record.ts'
import { writeTreeArchive } from './tree-archive.ts'

export interface ArchivedFile extends SourceRecord {
  /** Where the bytes are; not to be written to. */
  readonly path: string
}

export interface PutOptions {
  readonly name?: string
  readonly kind?: 'file' | 'tree'
  readonly origin?: string | undefined
  /** The file must have this hash. It will be found by it, too. */
  readonly hash?: Hash | undefined
}

export interface FindOptions extends FetchOptions {
  /** Asks only mirrors that are directories. */
  readonly localOnly?: boolean
}

export interface SourceArchive {
  readonly directory: string
  readonly mirrors: readonly string[]
  /** The file of a hash of any algorithm. Checks its size; `verify` reads it all. What is found to be broken is removed. */
  get(hash: Hash, options?: { readonly verify?: boolean }): ArchivedFile | undefined
  /** The same, looking at the mirrors when it is not here; what a mirror has is taken into the archive. */
  find(hash: Hash, options?: FindOptions): Promise<ArchivedFile | undefined>
  /** Copies a file into the archive. */
  put(file: string, options?: PutOptions): ArchivedFile
  /** Takes a tree into the archive as a NAR. */
  putTree(path: string, options?: PutOptions): ArchivedFile
  /** Everything, sorted by hash. */
  list(): Generator<ArchivedFile>
  /** Reads everything; returns the broken ones, which are removed. */
  verify(onFile?: (file: ArchivedFile) => void): readonly ArchivedFile[]
  /** Forgets a file; true when it was there. */
  remove(hash: Hash): boolean
}

export interface SourceArchiveOptions {
  /** Base URLs or directories of the same layout. */
  readonly mirrors?: readonly string[]
}

/** Opens the archive in a directory, which is made at the first `put`. */
export function openSourceArchive(directory: string, options: SourceArchiveOptions = {}): SourceArchive {
  return new DirectoryArchive(resolve(directory), options.mirrors ?? [])
}

/** A day: nobody writes one file for that long. */
const staleAfter = 24 * 3600 * 1000

class DirectoryArchive implements SourceArchive {
  readonly directory: string
  readonly mirrors: readonly string[]
  #swept = false

  constructor(directory: string, mirrors: readonly string[]) {
    this.directory = directory
    this.mirrors = mirrors
  }

  get(hash: Hash, options: { readonly verify?: boolean } = {}): ArchivedFile | undefined {
    return onDisk(this.directory, () => this.#get(hash, options))
  }

  #get(hash: Hash, options: { readonly verify?: boolean }): ArchivedFile | undefined {
    const main = this.#resolve(hash)
    if (main === undefined) return undefined
    const file = this.#describe(main)
    if (file === undefined) return undefined
    const record = this.#readRecord(main)
    const whole = (record === undefined || record.size === file.size) && (options.verify !== true || holds(file))
    if (whole) return file
    this.remove(main)
    return undefined
  }

  async find(hash: Hash, options: FindOptions = {}): Promise<ArchivedFile | undefined> {
    const here = this.get(hash)
    if (here !== undefined) return here
    for (const mirror of this.mirrors) {
      const base = (/^[a-z]+:\/\//.test(mirror) ? mirror : pathToFileURL(resolve(mirror)).href).replace(/\/+$/, '')
      if (options.localOnly === true && !base.startsWith('file:')) continue
      const found = await this.#take(base, hash, options)
      if (found !== undefined) return found
    }
    return undefined
  }

  put(file: string, options: PutOptions = {}): ArchivedFile {
    const read = (write: (chunk: Uint8Array) => void) => {
      const descriptor = openSource(file)
      try {
        readPieces(descriptor, write)
      } finally {
        closeSync(descriptor)
      }
    }
    return onDisk(this.directory, () => this.#add(options, read))
  }

  putTree(path: string, options: PutOptions = {}): ArchivedFile {
    return onDisk(this.directory, () =>
      this.#add({ kind: 'tree', ...options }, (write) => writeTreeArchive(path, write)),
    )
  }

  *list(): Generator<ArchivedFile> {
    const top = join(this.directory, 'sha256')
    for (const folder of names(top)) {
      for (const digits of names(join(top, folder))) {
        if (!/^[0-9a-f]{64}$/.test(digits)) continue
        const file = this.#describe(parseHash(digits, 'sha256'))
        if (file !== undefined) yield file
      }
    }
  }

  verify(onFile?: (file: ArchivedFile) => void): readonly ArchivedFile[] {
    const broken: ArchivedFile[] = []
    for (const file of this.list()) {
      onFile?.(file)
      if (onDisk(file.path, () => holds(file))) continue
      broken.push(file)
      this.remove(file.hash)
    }
    return broken
  }

  remove(hash: Hash): boolean {
    return onDisk(this.directory, () => this.#remove(hash))
  }

  #remove(hash: Hash): boolean {
    const main = this.#resolve(hash)
    if (main === undefined) return false
    const record = this.#readRecord(main)
    const there = removeFile(join(this.directory, archivedPath(main)))
    for (const other of record?.hashes ?? []) {
      if (other.algorithm !== 'sha256') removeFile(join(this.directory, indexPath(other)))
    }
    removeFile(join(this.directory, recordPath(main)))
    return there
  }

  #add(options: PutOptions, produce: (write: (chunk: Uint8Array) => void) => void): ArchivedFile {
    this.#sweep()
    const wanted = options.hash
    const extra: HashAlgorithm[] = wanted === undefined || wanted.algorithm === 'sha256' ? [] : [wanted.algorithm]
    const partial = new PartialFile(join(this.directory, 'tmp', 'file'), ['sha256', ...extra])
    try {
      produce((chunk) => partial.write(chunk))
      const hashes = partial.digests()
      const got = hashes.at(-1)!
      if (wanted !== undefined && !hashesEqual(wanted, got)) {
        throw new UserError(
          'HASH_MISMATCH',
          `${options.name ?? 'a file'} does not have its hash:\n  wanted: ${formatHash(wanted, 'sri')}\n  got:    ${formatHash(got, 'sri')}`,
          { hint: 'nothing was archived: fetch the file again' },
        )
      }
      const main = hashes[0]!
      const path = join(this.directory, archivedPath(main))
      // A file that is there already may be broken: what was just verified replaces it.
      partial.commit(true, path)
      const previous = this.#readRecord(main)
      const record: SourceRecord = {
        hash: main,
        hashes: [...new Map([...hashes, ...(previous?.hashes ?? [])].map((hash) => [hash.algorithm, hash])).values()],
        size: partial.size,
        name: options.name ?? previous?.name ?? 'source',
        kind: options.kind ?? previous?.kind ?? 'file',
        origins: [
          ...new Set([...(previous?.origins ?? []), ...(options.origin === undefined ? [] : [options.origin])]),
        ],
      }
      for (const hash of hashes.slice(1)) this.#write(indexPath(hash), formatIndex(main))
      this.#write(recordPath(main), formatRecord(record))
      return { ...record, path }
    } finally {
      partial.discard()
    }
  }

  /** The SHA-256 that stands for a hash. */
  #resolve(hash: Hash): Hash | undefined {
    if (hash.algorithm === 'sha256') return hash
    return parseIndex(readText(join(this.directory, indexPath(hash))))
  }

  #describe(main: Hash): ArchivedFile | undefined {
    const path = join(this.directory, archivedPath(main))
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) return undefined
    const record = this.#readRecord(main)
    const { name = 'source', kind = 'file', origins = [], hashes = [main] } = record ?? {}
    return { hash: main, hashes, size: stat.size, name, kind, origins, path }
  }

  #readRecord(main: Hash): SourceRecord | undefined {
    return parseRecord(main, readText(join(this.directory, recordPath(main))))
  }

  /** A small file of a mirror; undefined when it has none. */
  async #readRemote(url: string, options: FetchOptions): Promise<string | undefined> {
    const destination = join(this.directory, 'tmp', randomBytes(8).toString('hex'))
    try {
      await fetchUrl({ ...options, attempts: options.attempts ?? 3, onProgress: undefined, urls: [url], destination })
      return readText(destination)
    } catch (error) {
      if (error instanceof UserError && error.code.startsWith('FETCH_')) return undefined
      throw error
    } finally {
      removeFile(destination)
    }
  }

  async #take(base: string, hash: Hash, options: FetchOptions): Promise<ArchivedFile | undefined> {
    const main =
      hash.algorithm === 'sha256' ? hash : parseIndex(await this.#readRemote(`${base}/${indexPath(hash)}`, options))
    if (main === undefined) return undefined
    const destination = join(this.directory, 'tmp', `${randomBytes(8).toString('hex')}.mirrored`)
    try {
      const { attempts = 3, ...rest } = options
      await fetchUrl({ ...rest, attempts, urls: [`${base}/${archivedPath(main)}`], hash: main, destination })
      const record = parseRecord(main, await this.#readRemote(`${base}/${recordPath(main)}`, options))
      return this.put(destination, {
        hash,
        name: record?.name ?? 'source',
        kind: record?.kind ?? 'file',
        origin: record?.origins[0],
      })
    } catch (error) {
      // A mirror that lacks, breaks or lies is as good as none: the next one, or the upstream, is asked.
      if (error instanceof UserError && (error.code.startsWith('FETCH_') || error.code === 'HASH_MISMATCH'))
        return undefined
      throw error
    } finally {
      removeFile(destination)
    }
  }

  #write(path: string, text: string): void {
    const final = join(this.directory, path)
    const temporary = join(this.directory, 'tmp', randomBytes(8).toString('hex'))
    makeDirectories(dirname(final), 0o755)
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o644 })
    renameSync(temporary, final)
  }

  /** The clock that stamps the files there, which need not be ours. */
  #timeOfDisk(): number {
    const probe = join(this.directory, 'tmp', randomBytes(8).toString('hex'))
    writeFileSync(probe, '', { flag: 'wx', mode: 0o600 })
    const { mtimeMs } = statSync(probe)
    removeFile(probe)
    return mtimeMs
  }

  /** Removes what killed processes left. */
  #sweep(): void {
    if (this.#swept) return
    this.#swept = true
    const temporary = join(this.directory, 'tmp')
    makeDirectories(temporary, 0o755)
    const now = this.#timeOfDisk()
    for (const name of names(temporary)) {
      const path = join(temporary, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat !== undefined && now - stat.mtimeMs > staleAfter) rmSync(path, { force: true, recursive: true })
    }
  }
}

function holds(file: ArchivedFile): boolean {
  const hashers = file.hashes.map(({ algorithm }) => createHasher(algorithm))
  const descriptor = openSource(file.path)
  try {
    readPieces(descriptor, (chunk) => {
      for (const hasher of hashers) hasher.update(chunk)
    })
  } finally {
    closeSync(descriptor)
  }
  return file.hashes.every((hash, index) => hashesEqual(hash, hashers[index]!.digest()))
}

function openSource(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EACCES', 'ENOTDIR')) throw cause
    throw new UserError('FILE_UNREADABLE', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function readPieces(descriptor: number, sink: (chunk: Uint8Array) => void): void {
  const buffer = Buffer.allocUnsafe(1 << 18)
  for (;;) {
    const count = readSync(descriptor, buffer, 0, buffer.length, null)
    if (count === 0) return
    sink(buffer.subarray(0, count))
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

function removeFile(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
