/**
 * A catalog: one SQLite file with the entries of a part of the tree, of schema 2.5 and its revisions 0 to 7.
 *
 *     properties        schema = 2.5, schema_revision, revision, root_prefix (where it is mounted), previous_revision, …
 *     catalog           a row for each entry: hash of its path and of its parent's, name, flags, size, mode, object, …
 *     chunks            offset, size and object of the pieces of large files
 *     nested_catalogs   path and hash of the catalogs below; their mount points have a row here and one in there
 *     statistics        counters of the catalog and of all below
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { quoteBytes, UserError } from '@baryon/format'
import {
  type ContentHash,
  contentHashOf,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  parseContentHash,
} from './content-hash.ts'
import { type Chunk, compressionOf, type Entry, type EntryKind, FLAGS, hashAlgorithmOf } from './entry.ts'
import { pathHash } from './path-hash.ts'
import { parseXattrs } from './xattrs.ts'

export interface NestedCatalog {
  /** Path inside the repository. */
  readonly path: string
  readonly hash: ContentHash
  /** Bytes unpacked; undefined where the catalog does not say. */
  readonly size: number | undefined
}

/** An entry with the number of its row, which names it as long as the catalog is the same. */
export interface Row {
  readonly row: number
  readonly entry: Entry
}

/** Reads a catalog; throws `CVMFS_CATALOG` for whatever is wrong with it. */
export class Catalog {
  /** Path inside the repository at which it is mounted. */
  readonly path: string
  /** Where it lies; empty while it is being written. */
  readonly file: string
  readonly schemaRevision: number
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #properties: ReadonlyMap<string, string>
  #nested: Map<string, NestedCatalog> | undefined

  /** `path` is where its parent says that it belongs; a catalog that says something else is refused. */
  static open(file: string, path: string): Catalog {
    checkHeader(file)
    const database = guard(() => openReadOnly(file))
    try {
      return new Catalog(database, path, file)
    } catch (error) {
      database.close()
      throw error
    }
  }

  constructor(database: DatabaseSync, path: string, file = '') {
    this.path = path
    this.file = file
    this.#database = database
    this.#properties = new Map(
      this.#all('SELECT key, CAST(value AS BLOB) AS value FROM properties').map((row) => [
        String(row.key),
        text(row, 'value'),
      ]),
    )
    const schema = this.#properties.get('schema')
    if (schema !== '2.5') throw invalid(`has the schema ${quoteBytes(schema ?? '1.0')}, not 2.5`)
    this.schemaRevision = this.number('schema_revision') ?? 0
    const prefix = this.#properties.get('root_prefix') ?? ''
    if (prefix !== path) throw invalid(`is of ${quoteBytes(prefix)}, not of ${quoteBytes(path)}`)
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  property(name: string): string | undefined {
    return this.#properties.get(name)
  }

  number(name: string): number | undefined {
    const text = this.#properties.get(name)
    if (text === undefined) return undefined
    if (!/^\d{1,15}$/.test(text)) throw invalid(`has the property ${name} = ${quoteBytes(text)}, which is no count`)
    return Number(text)
  }

  /** The root catalog of the revision before; undefined in the first. */
  get previous(): ContentHash | undefined {
    const text = this.#properties.get('previous_revision')
    if (text === undefined || text === '' || /^0+$/.test(text)) return undefined
    return parseContentHash(text, 'the property previous_revision of a catalog')
  }

  /** Whether the table is there that real clients ask of a catalog of its schema. */
  get hasBindMountpoints(): boolean {
    const query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'bind_mountpoints'"
    return this.schemaRevision < 4 || this.#all(query).length > 0
  }

  entry(path: string): Entry | undefined {
    return this.row(path)?.entry
  }

  /** Whether there is something at a path: a tenth of the time that it takes to read it. */
  has(path: string): boolean {
    const query = 'SELECT 1 FROM catalog WHERE md5path_1 = ? AND md5path_2 = ?'
    return guard(() => this.#prepared(query).get(...pathHash(path)) !== undefined)
  }

  row(path: string): Row | undefined {
    const [row] = this.#all(`${this.#select()} WHERE md5path_1 = ? AND md5path_2 = ?`, ...pathHash(path))
    return row === undefined ? undefined : this.#row(row, path)
  }

  /** The entry with the number of a row. Its path is put together from the names of the directories above it. */
  entryAt(row: number): Entry | undefined {
    const [found] = this.#all(`${this.#select()} WHERE rowid = ?`, row)
    return found === undefined ? undefined : this.#entry(found, this.#pathOf(row))
  }

  #pathOf(row: number): string {
    const [top1, top2] = pathHash(this.path)
    let path = ''
    let [next] = this.#all(`${ANCESTOR} WHERE rowid = ?`, row)
    while (next !== undefined && path.length <= LONGEST_PATH) {
      if (next.md5path_1 === top1 && next.md5path_2 === top2) return this.path + path
      path = `/${nameOf(next)}${path}`
      ;[next] = this.#all(
        `${ANCESTOR} WHERE md5path_1 = ? AND md5path_2 = ?`,
        next.parent_1 as bigint,
        next.parent_2 as bigint,
      )
    }
    throw invalid(`has the row ${row} in no directory`)
  }

  /** The entries of a directory, sorted by name, without hidden ones. What is in a nested catalog is not here. */
  list(path: string): Entry[] {
    return this.rows(path).map(({ entry }) => entry)
  }

  /** The same with hidden ones. */
  listAll(path: string): Entry[] {
    return this.#children(path, 0).map(({ entry }) => entry)
  }

  /** As `list`, with the numbers of the rows. */
  rows(path: string): Row[] {
    return this.#children(path, FLAGS.hidden)
  }

  rowCount(): number {
    return integer(this.#all('SELECT count(*) AS count FROM catalog')[0]!, 'count')
  }

  #children(path: string, without: number): Row[] {
    return this.#all(`${this.#select()} WHERE parent_1 = ? AND parent_2 = ?`, ...pathHash(path))
      .filter((row) => (integer(row, 'flags') & without) === 0)
      .map((row) => this.#row(row, `${path}/${nameOf(row)}`))
      .sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1))
  }

  get nested(): readonly NestedCatalog[] {
    return [...this.#nestedByPath().values()]
  }

  /** The nested catalog of its own that has a path, or begins there. */
  nestedFor(path: string): NestedCatalog | undefined {
    const nested = this.#nestedByPath()
    for (let end = path.indexOf('/', this.path.length + 1); ; end = path.indexOf('/', end + 1)) {
      const found = nested.get(end < 0 ? path : path.slice(0, end))
      if (found !== undefined || end < 0) return found
    }
  }

  /** Whoever changes the catalog says what became of a nested one. */
  noteNested(path: string, nested: NestedCatalog | undefined): void {
    if (nested === undefined) this.#nestedByPath().delete(path)
    else this.#nestedByPath().set(path, nested)
  }

  #nestedByPath(): Map<string, NestedCatalog> {
    this.#nested ??= new Map(this.#readNested().map((nested) => [nested.path, nested]))
    return this.#nested
  }

  #readNested(): NestedCatalog[] {
    const size = this.schemaRevision >= 1 ? 'size' : '0 AS size'
    return this.#all(`SELECT CAST(path AS BLOB) AS path, sha1, ${size} FROM nested_catalogs`).map((row) => {
      const path = text(row, 'path')
      if (!path.startsWith(`${this.path}/`) || path.split('/').slice(1).some(isNoName)) {
        throw invalid(`of ${quoteBytes(this.path)} has a nested catalog at ${quoteBytes(path)}`)
      }
      const bytes = row.size === null ? 0 : integer(row, 'size')
      return {
        path,
        hash: parseContentHash(String(row.sha1), `the hash of the nested catalog ${quoteBytes(path)}`),
        size: bytes === 0 ? undefined : bytes,
      }
    })
  }

  /** Counters by name: `self_regular`, `subtree_dir`, …. */
  get statistics(): ReadonlyMap<string, number> {
    return new Map(
      this.#all('SELECT counter, value FROM statistics').map((row) => [String(row.counter), integer(row, 'value')]),
    )
  }

  /** Every object that its own rows name, with repetitions; without nested catalogs. */
  *objects(): Generator<{
    readonly hash: ContentHash
    readonly kind: 'file' | 'chunk'
    readonly isCompressed: boolean
  }> {
    for (const row of this.#all('SELECT hash, flags FROM catalog WHERE hash IS NOT NULL')) {
      const flags = integer(row, 'flags')
      if ((flags & FLAGS.external) !== 0) continue
      yield { hash: contentHashOf(algorithmOf(flags), blob(row, 'hash')), kind: 'file', isCompressed: isZlib(flags) }
    }
    const chunks = `SELECT chunks.hash AS hash, catalog.flags AS flags FROM chunks JOIN catalog
      ON chunks.md5path_1 = catalog.md5path_1 AND chunks.md5path_2 = catalog.md5path_2`
    for (const row of this.#all(chunks)) {
      const flags = integer(row, 'flags')
      if ((flags & FLAGS.external) !== 0) continue
      yield { hash: contentHashOf(algorithmOf(flags), blob(row, 'hash')), kind: 'chunk', isCompressed: isZlib(flags) }
    }
  }

  /** Objects with all bytes of files that have chunks as well: nobody reads them, but old clients did (option -O of the real tool). */
  *wholeObjects(): Generator<{
    readonly hash: ContentHash
    readonly kind: 'file'
    readonly size: number
    readonly isCompressed: boolean
  }> {
    const { chunked, external } = FLAGS
    const query = `SELECT hash, size, flags FROM catalog WHERE hash IS NOT NULL AND flags & ${chunked} AND NOT flags & ${external}`
    for (const row of this.#all(query)) {
      const flags = integer(row, 'flags')
      const hash = contentHashOf(algorithmOf(flags), blob(row, 'hash'))
      yield { hash, kind: 'file', size: integer(row, 'size'), isCompressed: isZlib(flags) }
    }
  }

  #select(): string {
    const xattr = this.schemaRevision >= 2 ? 'xattr' : 'NULL AS xattr'
    const nanoseconds = this.schemaRevision >= 7 ? 'mtimens' : 'NULL AS mtimens'
    // Names may have any bytes; as TEXT they would be decoded. A word of 64 bits does not fit a number.
    return `SELECT CAST(name AS BLOB) AS name, CAST(symlink AS BLOB) AS target, hash, size, mode, mtime, ${nanoseconds}, flags,
      rowid AS number, uid, gid, ${xattr}, hardlinks >> 32 AS link_group, hardlinks & 4294967295 AS links, md5path_1, md5path_2 FROM catalog`
  }

  #row(row: Columns, path: string): Row {
    return { row: integer(row, 'number'), entry: this.#entry(row, path) }
  }

  #entry(row: Columns, path: string): Entry {
    const flags = integer(row, 'flags')
    const kind = kindOf(flags)
    const name = nameOf(row)
    if (path === '' ? name !== '' : !path.endsWith(`/${name}`) || isNoName(name)) {
      throw invalid(`has the name ${quoteBytes(name)} at ${quoteBytes(path)}`)
    }
    const isChunked = kind === 'file' && (flags & FLAGS.chunked) !== 0
    const size = integer(row, 'size')
    const compression = compressionOf(flags)
    if (compression > 1) throw invalid(`has an unknown compression at ${quoteBytes(path)}`)
    return {
      path,
      name,
      kind,
      mode: integer(row, 'mode'),
      uid: integer(row, 'uid'),
      gid: integer(row, 'gid'),
      size,
      mtime: Number(row.mtime),
      mtimeNanoseconds: row.mtimens === null ? undefined : integer(row, 'mtimens'),
      linkCount: integer(row, 'links'),
      hardlinkGroup: integer(row, 'link_group'),
      hash:
        kind === 'file' && row.hash !== null && !isChunked
          ? contentHashOf(algorithmOf(flags), blob(row, 'hash'))
          : undefined,
      chunks: isChunked ? this.#chunks(path, size, algorithmOf(flags)) : undefined,
      isCompressed: isZlib(flags),
      isExternal: (flags & FLAGS.external) !== 0,
      target: kind === 'symlink' ? text(row, 'target') : '',
      xattrs: row.xattr === null ? NO_XATTRS : parseXattrs(blob(row, 'xattr')),
      isNestedCatalog: (flags & (FLAGS.nestedMountpoint | FLAGS.nestedRoot)) !== 0,
    }
  }

  #chunks(path: string, size: number, algorithm: HashAlgorithm): Chunk[] {
    const chunks = this.#all(
      'SELECT offset, size, hash FROM chunks WHERE md5path_1 = ? AND md5path_2 = ? ORDER BY offset',
      ...pathHash(path),
    ).map((row) => ({
      offset: integer(row, 'offset'),
      size: integer(row, 'size'),
      hash: contentHashOf(algorithm, blob(row, 'hash')),
    }))
    let end = 0
    for (const chunk of chunks) {
      if (chunk.offset !== end) throw invalid(`has chunks with a gap at ${quoteBytes(path)}`)
      end += chunk.size
    }
    if (end !== size) throw invalid(`has chunks of ${end} bytes at ${quoteBytes(path)}, a file of ${size}`)
    return chunks
  }

  #all(query: string, ...values: readonly SQLInputValue[]): Columns[] {
    return guard(() => this.#prepared(query).all(...values) as Columns[])
  }

  #prepared(query: string): StatementSync {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = this.#database.prepare(query)
      // The columns of path hashes do not fit a number.
      statement.setReadBigInts(true)
      this.#statements.set(query, statement)
    }
    return statement
  }
}

type Columns = Readonly<Record<string, unknown>>

const ANCESTOR = 'SELECT CAST(name AS BLOB) AS name, parent_1, parent_2, md5path_1, md5path_2 FROM catalog'
const LONGEST_PATH = 1 << 16

const NO_XATTRS: ReadonlyMap<string, string> = new Map()

function kindOf(flags: number): EntryKind {
  if ((flags & FLAGS.directory) !== 0) return 'directory'
  if ((flags & FLAGS.symlink) !== 0) return 'symlink'
  if ((flags & FLAGS.special) !== 0) return 'special'
  if ((flags & FLAGS.file) !== 0) return 'file'
  throw invalid(`has an entry of no known kind (flags ${flags})`)
}

function algorithmOf(flags: number): HashAlgorithm {
  const algorithm = HASH_ALGORITHMS[hashAlgorithmOf(flags)]
  if (algorithm === undefined) throw invalid(`has an unknown hash algorithm (flags ${flags})`)
  return algorithm
}

function isZlib(flags: number): boolean {
  return compressionOf(flags) === 0
}

function nameOf(row: Columns): string {
  return text(row, 'name')
}

/** What no file of a directory can be called. */
function isNoName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name.length > 255 || /[/\0]/.test(name)
}

function integer(row: Columns, column: string): number {
  const value = row[column]
  if (typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw invalid(`has ${String(value)} in column ${column}, which should be a count`)
}

function blob(row: Columns, column: string): Uint8Array {
  const value = row[column]
  if (value instanceof Uint8Array) return value
  throw invalid(`has no bytes in column ${column}`)
}

function text(row: Columns, column: string): string {
  const value = row[column]
  if (value === null) return ''
  return Buffer.from(blob(row, column)).toString('latin1')
}

/** Read and write version 1: with a write-ahead log the real client crashes, and SQLite would want to write beside the file. */
function checkHeader(file: string): void {
  const header = Buffer.alloc(20)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, header, 0, header.length, 0)
  } finally {
    closeSync(descriptor)
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw invalid('is no SQLite file')
  if (header[18] !== 1 || header[19] !== 1) throw invalid('is in the mode of a write-ahead log')
}

function openReadOnly(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, enableDoubleQuotedStringLiterals: false })
  // Views and triggers of a hostile file may call nothing; damaged pages are noticed.
  database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0')
  // Nobody changes the file. One lock, shared with other readers and kept, instead of one for each question, which costs more than the answer.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  return database
}

function guard<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error
    if (!/^ERR_(SQLITE_ERROR|OUT_OF_RANGE|INVALID_ARG)/.test(String((error as NodeJS.ErrnoException).code))) throw error
    throw new UserError('CVMFS_CATALOG', `a catalog cannot be read: ${error.message}`, { cause: error })
  }
}

function invalid(problem: string): UserError {
  return new UserError('CVMFS_CATALOG', `a catalog ${problem}`, {
    hint: 'whoever publishes the repository finds the damage with: baryon repository check',
  })
}
