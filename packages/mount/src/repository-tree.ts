import { closeSync, fstatSync, futimesSync, openSync, readSync, rmSync } from 'node:fs'
import {
  type Catalog,
  type Entry,
  formatContentHash,
  type NestedCatalog,
  objectFile,
  type Piece,
  piecesOf,
  type Row,
  type WantedObject,
} from '@baryon/cvmfs'
import { isSystemError } from '@baryon/format'
import { type FileSystem, FileSystemError, type Listed, type Node } from '@baryon/fuse'
import { Absent } from './absent.ts'
import type { CatalogTable } from './catalog-table.ts'
import { directoryId, fileId, isDirectoryId, MOST_ROWS, partsOf, ROOT } from './node-id.ts'
import { expandTarget } from './variant-link.ts'

export interface TreeOptions {
  readonly cacheDirectory: string
  readonly catalogs: CatalogTable
  /** What fills variables in the targets of links. */
  readonly environment: NodeJS.ProcessEnv
  /** Whose all files are shown to be; undefined for those that the catalogs name. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** Called when a piece of a file is opened. */
  readonly record?: ((path: string, piece: Piece) => void) | undefined
  /** Attributes that say something about the mount, by name. Throws `Absent` where another thread knows them. */
  status(name: string): string | undefined
}

/** A repository as a file system, from what is on the disk. Throws `Absent` for what has to be fetched. */
export class RepositoryTree implements FileSystem {
  readonly #options: TreeOptions
  #root: NestedCatalog
  readonly #directories = new Map<number, string>([[ROOT, '']])
  #fresh: (readonly [id: number, path: string])[] = []
  readonly #lists = new Map<string, readonly Listed[]>()
  #listed = 0
  readonly #entries = new Map<number, Entry>()
  readonly #files = new Map<number | string, number>()

  constructor(root: NestedCatalog, options: TreeOptions) {
    this.#root = root
    this.#options = options
  }

  /** From now on names are looked up in another revision. Nodes that are known stay what they are. */
  show(root: NestedCatalog): void {
    this.#root = root
    this.#lists.clear()
    this.#listed = 0
  }

  lookup(parent: number, name: string): Node | undefined {
    const directory = this.#pathOf(parent)
    const number = this.#holding(directory)
    const row = this.#catalog(number).row(`${directory}/${name}`)
    return row === undefined ? undefined : this.#node(number, row, directory)
  }

  node(id: number): Node {
    const entry = this.entry(id)
    return { ...this.#attributes(entry), id }
  }

  readLink(id: number): string {
    const entry = this.entry(id)
    if (entry.kind !== 'symlink') throw new FileSystemError('EINVAL')
    return expandTarget(entry.target, this.#options.environment)
  }

  read(id: number, offset: number, target: Uint8Array): number {
    const open = this.#opened(id)
    if (open !== undefined) return readFully(open, target, offset)
    const entry = this.entry(id)
    const pieces = piecesOf(entry)
    if (entry.chunks === undefined) return readFully(this.#open(id, entry, pieces[0]!), target, offset)
    let filled = 0
    for (const piece of pieces) {
      const start = offset + filled - piece.offset
      if (filled === target.length || start < 0) break
      if (start >= piece.size) continue
      const room = target.subarray(filled, filled + piece.size - start)
      filled += readFully(this.#open(piece.hash.hex, entry, piece), room, start)
    }
    return filled
  }

  list(id: number): readonly Listed[] {
    const path = this.#pathOf(id)
    const known = this.#lists.get(path)
    if (known !== undefined) return known
    const number = this.#holding(path)
    const rows = this.#catalog(number).rows(path)
    const first = firstOfGroups(rows)
    const list = rows.map((row) => ({ name: row.entry.name, node: this.#numbered(number, row, first) }))
    this.#listed += list.length
    if (this.#listed > MOST_LISTED) {
      this.#lists.clear()
      this.#listed = list.length
    }
    this.#lists.set(path, list)
    return list
  }

  xattr(id: number, name: string): string | undefined {
    const entry = this.entry(id)
    const own = entry.xattrs.get(name)
    if (own !== undefined || !name.startsWith('user.')) return own
    if (name === 'user.hash') return entry.hash === undefined ? undefined : formatContentHash(entry.hash)
    if (name === 'user.chunks') return entry.kind === 'file' ? String(entry.chunks?.length ?? 1) : undefined
    return this.#options.status(name)
  }

  xattrNames(id: number): readonly string[] {
    return [...this.entry(id).xattrs.keys()]
  }

  statistics(): { blockSize: number; blocks: number; files: number } {
    const counters = this.#catalog(this.#holding('')).statistics
    const sum = (...names: readonly string[]) =>
      names.reduce((all, name) => all + (counters.get(`self_${name}`) ?? 0) + (counters.get(`subtree_${name}`) ?? 0), 0)
    return {
      blockSize: BLOCK,
      blocks: Math.ceil(sum('file_size') / BLOCK),
      files: sum('regular', 'symlink', 'special', 'dir'),
    }
  }

  /** What a node is. Throws ENOENT for a directory that the revision does not have, ESTALE for a number that nobody gave. */
  entry(id: number): Entry {
    if (isDirectoryId(id)) {
      const path = this.#pathOf(id)
      const above = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      const entry = this.#catalog(this.#holding(above)).entry(path)
      if (entry === undefined) throw new FileSystemError('ENOENT')
      return entry
    }
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const { catalog, row } = partsOf(id)
    const entry = this.#options.catalogs.at(catalog)?.entryAt(row)
    if (entry === undefined) throw new FileSystemError('ESTALE')
    this.#remember(id, entry)
    return entry
  }

  /** Directories that another thread has numbered. */
  noteDirectories(directories: readonly (readonly [id: number, path: string])[]): void {
    for (const [id, path] of directories) this.#directories.set(id, path)
  }

  /** Those that this thread has numbered since it was asked last. */
  takeFreshDirectories(): readonly (readonly [id: number, path: string])[] {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  #pathOf(id: number): string {
    const path = this.#directories.get(id)
    if (path === undefined) throw new FileSystemError(isDirectoryId(id) ? 'ESTALE' : 'ENOTDIR')
    return path
  }

  /** The number of the catalog that has the entries of a directory. */
  #holding(path: string): number {
    let number = this.#options.catalogs.find(this.#root)
    for (;;) {
      const next = this.#catalog(number).nestedFor(path)
      if (next === undefined) return number
      number = this.#options.catalogs.find(next)
    }
  }

  #catalog(number: number): Catalog {
    return this.#options.catalogs.at(number)!
  }

  #node(number: number, row: Row, directory: string): Node {
    const isShared = row.entry.kind === 'file' && row.entry.hardlinkGroup !== 0
    return this.#numbered(number, row, isShared ? firstOfGroups(this.#catalog(number).rows(directory)) : new Map())
  }

  /** One file has one number, by whatever name it is asked for: `first` has a row for each group of hard links. */
  #numbered(number: number, { row, entry }: Row, first: ReadonlyMap<number, number>): Node {
    if (entry.kind === 'directory') {
      const id = directoryId(entry.path)
      if (!this.#directories.has(id)) {
        this.#directories.set(id, entry.path)
        this.#fresh.push([id, entry.path])
      }
      return { ...this.#attributes(entry), id }
    }
    const shared = (entry.kind === 'file' ? first.get(entry.hardlinkGroup) : undefined) ?? row
    if (shared >= MOST_ROWS) throw new FileSystemError('EOVERFLOW')
    const id = fileId(number, shared)
    this.#remember(id, entry)
    return { ...this.#attributes(entry), id }
  }

  #remember(id: number, entry: Entry): void {
    if (this.#entries.size >= MOST_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(id, entry)
  }

  #attributes(entry: Entry): Omit<Node, 'id'> {
    const { kind, mode, size, mtime, mtimeNanoseconds } = entry
    const owner = this.#options.owner ?? entry
    const isDevice = (mode & TYPE) === CHARACTER_DEVICE || (mode & TYPE) === BLOCK_DEVICE
    return {
      mode,
      size: kind === 'symlink' ? expandTarget(entry.target, this.#options.environment).length : isDevice ? 0 : size,
      links: entry.linkCount,
      uid: owner.uid,
      gid: owner.gid,
      device: isDevice ? size >>> 0 : 0,
      time: mtime,
      nanoseconds: mtimeNanoseconds ?? 0,
    }
  }

  /** What was read last stays open, and so readable whatever becomes of the cache: `key` is the node, or the hash of a chunk. */
  #open(key: number | string, entry: Entry, piece: Piece): number {
    const open = this.#opened(key)
    if (open !== undefined) return open
    const descriptor = this.#openPiece(entry, piece)
    this.#options.record?.(entry.path, piece)
    if (this.#files.size >= MOST_FILES) {
      const [oldest, old] = this.#files.entries().next().value!
      this.#files.delete(oldest)
      closeSync(old)
    }
    this.#files.set(key, descriptor)
    return descriptor
  }

  #opened(key: number | string): number | undefined {
    const descriptor = this.#files.get(key)
    if (descriptor === undefined) return undefined
    // Behind all others.
    this.#files.delete(key)
    this.#files.set(key, descriptor)
    return descriptor
  }

  /** A descriptor of the file in the cache, which is noted as used now. */
  #openPiece(entry: Entry, piece: Piece): number {
    const wanted = wantedOf(entry, piece)
    const file = objectFile(this.#options.cacheDirectory, wanted)
    const descriptor = openExisting(file)
    if (descriptor === undefined) throw new Absent({ kind: 'object', wanted })
    const { size, mtimeMs } = fstatSync(descriptor)
    if (size !== piece.size) {
      // A loss of power can leave a file without its contents.
      closeSync(descriptor)
      rmSync(file, { force: true })
      throw new Absent({ kind: 'object', wanted })
    }
    const now = Date.now()
    if (now - mtimeMs > USED_MILLISECONDS) futimesSync(descriptor, now / 1000, now / 1000)
    return descriptor
  }
}

/** The object that a piece of a file is. */
export function wantedOf(entry: Entry, { hash, kind, size }: Piece): WantedObject {
  return { hash, kind, isCompressed: entry.isCompressed, size }
}

const BLOCK = 4096
const TYPE = 0o170000
const CHARACTER_DEVICE = 0o020000
const BLOCK_DEVICE = 0o060000
const MOST_LISTED = 100_000
const MOST_ENTRIES = 50_000
/** With the catalogs, of two threads, below the 1024 that many systems allow. */
const MOST_FILES = 300

/** How exactly the cache knows when a file was used last: to note it each time would cost more than to read a small file. */
const USED_MILLISECONDS = 5 * 60 * 1000

function firstOfGroups(rows: readonly Row[]): ReadonlyMap<number, number> {
  const first = new Map<number, number>()
  for (const { row, entry } of rows) {
    if (entry.kind !== 'file' || entry.hardlinkGroup === 0) continue
    first.set(entry.hardlinkGroup, Math.min(row, first.get(entry.hardlinkGroup) ?? row))
  }
  return first
}

function openExisting(file: string): number | undefined {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

function readFully(descriptor: number, target: Uint8Array, offset: number): number {
  let filled = 0
  while (filled < target.length) {
    const count = readSync(descriptor, target, filled, target.length - filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return filled
}
