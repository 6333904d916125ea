/**
 * A catalog: one SQLite file with the entries of a part of the tree, of schema 2.5 and its revisions 0 to 7.
 *
 *     properties        schema = 2.5, schema_revision, revision, root_prefix (where it is mounted), previous_revision, …
 *     catalog           a row for each entry: hash of its path and of its parent's, name, flags, size, mode, object, …
 *     chunks            offset, size and object of the pieces of large files
 *     nested_catalogs   path and hash of the catalogs below; their mount points have a row here and one in there
 *     statistics        counters of the catalog and of all below
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { quoteBytes } from '@baryon/format'
import { openCatalogFile } from './catalog-database.ts'
import { guard, invalid } from './catalog-error.ts'
import { objectsOf, wholeObjectsOf } from './catalog-objects.ts'
import { type Columns, entryOf, integer, isNoName, nameOf, selectEntries, text } from './catalog-row.ts'
import { type ContentHash, parseContentHash } from './content-hash.ts'
import { type Entry, FLAGS } from './entry.ts'
import { pathHash } from './path-hash.ts'

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
  readonly #select: string
  #nested: Map<string, NestedCatalog> | undefined

  /** `path` is where its parent says that it belongs; a catalog that says something else is refused. */
  static open(file: string, path: string): Catalog {
    const database = openCatalogFile(file)
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
    this.#select = selectEntries(this.schemaRevision)
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
    const [row] = this.#all(`${this.#select} WHERE md5path_1 = ? AND md5path_2 = ?`, ...pathHash(path))
    return row === undefined ? undefined : this.#row(row, path)
  }

  /** The entry with the number of a row. Its path is put together from the names of the directories above it. */
  entryAt(row: number): Entry | undefined {
    const [found] = this.#all(`${this.#select} WHERE rowid = ?`, row)
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
    return this.#all(`${this.#select} WHERE parent_1 = ? AND parent_2 = ?`, ...pathHash(path))
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
  objects(): ReturnType<typeof objectsOf> {
    return objectsOf((query) => this.#all(query))
  }

  /** Objects with all bytes of files that have chunks as well. */
  wholeObjects(): ReturnType<typeof wholeObjectsOf> {
    return wholeObjectsOf((query) => this.#all(query))
  }

  #row(row: Columns, path: string): Row {
    return { row: integer(row, 'number'), entry: this.#entry(row, path) }
  }

  #entry(row: Columns, path: string): Entry {
    return entryOf(row, path, () => this.#all(CHUNKS, ...pathHash(path)))
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

const CHUNKS = 'SELECT offset, size, hash FROM chunks WHERE md5path_1 = ? AND md5path_2 = ? ORDER BY offset'
const ANCESTOR = 'SELECT CAST(name AS BLOB) AS name, parent_1, parent_2, md5path_1, md5path_2 FROM catalog'
const LONGEST_PATH = 1 << 16
