/** Catalogs that are made anew, or changed as copies of those of the last revision. See catalog.ts for the format. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { UserError } from '@baryon/format'
import { Catalog, type NestedCatalog } from './catalog.ts'
import { type ContentHash, formatContentHash, HASH_ALGORITHMS } from './content-hash.ts'
import { type Entry, FLAGS } from './entry.ts'
import { pathHash } from './path-hash.ts'
import { formatXattrs } from './xattrs.ts'

/** What is counted, of a catalog itself and of all below it. */
export const COUNTERS = [
  'regular',
  'symlink',
  'special',
  'dir',
  'nested',
  'chunked',
  'chunks',
  'file_size',
  'chunked_size',
  'xattr',
  'external',
  'external_file_size',
] as const

export type Counts = Readonly<Record<(typeof COUNTERS)[number], number>>

/** A catalog that lies in the storage: what its parent has to know. */
export interface StoredCatalog {
  readonly path: string
  readonly hash: ContentHash
  /** Bytes unpacked. */
  readonly size: number
  /** Of it and all below. */
  readonly counts: Counts
}

export interface CatalogProperties {
  readonly revision: number
  /** Its former version. */
  readonly previous: ContentHash | undefined
  /** Seconds since 1970. */
  readonly modified: number
  /** Seconds, of a root catalog: the real client looks for it here, and not in the manifest. */
  readonly ttl?: number
}

/** An entry as it is written. Those of directories have the number of their subdirectories in `linkCount`, plus two. */
export type NewEntry = Omit<Entry, 'name' | 'isNestedCatalog'>

/** How a row of a directory belongs to nested catalogs. */
export type Mount = 'none' | 'mountpoint' | 'root'

export class CatalogWriter {
  readonly path: string
  /** Shows it as it is now. */
  readonly reader: Catalog
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  private constructor(database: DatabaseSync, path: string) {
    this.path = path
    this.#database = database
    this.reader = new Catalog(database, path)
  }

  /** An empty catalog in a new file, to be mounted at `path`. */
  static create(file: string, path: string): CatalogWriter {
    const database = begin(file)
    database.exec(SCHEMA)
    const set = database.prepare('INSERT INTO properties VALUES (?, CAST(? AS TEXT))')
    set.run('schema', Buffer.from('2.5'))
    set.run('schema_revision', Buffer.from('7'))
    if (path !== '') set.run('root_prefix', Buffer.from(path, 'latin1'))
    return new CatalogWriter(database, path)
  }

  /** Changes a file, a copy of a catalog. One of an older schema gets the columns that it lacks. */
  static change(file: string, path: string): CatalogWriter {
    const database = begin(file)
    const columns = new Set(
      database
        .prepare('PRAGMA table_info(catalog)')
        .all()
        .map(({ name }) => name),
    )
    if (!columns.has('xattr')) database.exec('ALTER TABLE catalog ADD COLUMN xattr BLOB')
    if (!columns.has('mtimens')) database.exec('ALTER TABLE catalog ADD COLUMN mtimens INTEGER')
    database.exec("INSERT OR REPLACE INTO properties VALUES ('schema_revision', '7')")
    return new CatalogWriter(database, path)
  }

  insert(entry: NewEntry, mount: Mount = 'none'): void {
    const { path, chunks } = entry
    const [own1, own2] = pathHash(path)
    const cut = path.lastIndexOf('/')
    const [parent1, parent2] = path === '' ? [0n, 0n] : pathHash(path.slice(0, Math.max(0, cut)))
    this.#run(
      INSERT,
      own1,
      own2,
      parent1,
      parent2,
      (BigInt(entry.hardlinkGroup) << 32n) | BigInt(entry.linkCount),
      entry.hash === undefined ? null : Buffer.from(entry.hash.hex, 'hex'),
      entry.size,
      entry.mode,
      entry.mtime,
      entry.mtimeNanoseconds ?? null,
      flagsOf(entry, mount),
      Buffer.from(path.slice(cut + 1), 'latin1'),
      Buffer.from(entry.target, 'latin1'),
      entry.uid,
      entry.gid,
      entry.xattrs.size === 0 ? null : formatXattrs(entry.xattrs),
    )
    for (const chunk of chunks ?? []) {
      this.#run(INSERT_CHUNK, own1, own2, chunk.offset, chunk.size, Buffer.from(chunk.hash.hex, 'hex'))
    }
  }

  /** Removes one row, and its chunks. */
  remove(path: string): void {
    const hash = pathHash(path)
    this.#run('DELETE FROM chunks WHERE md5path_1 = ? AND md5path_2 = ?', ...hash)
    this.#run('DELETE FROM catalog WHERE md5path_1 = ? AND md5path_2 = ?', ...hash)
  }

  /** Moves the rows of all that is below a directory to another catalog, as they are; those of nested catalogs, without their roots, as well. */
  moveBelow(path: string, to: CatalogWriter): void {
    const directories = [pathHash(path)]
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      for (const row of this.#raw(`SELECT ${COLUMNS} FROM catalog WHERE parent_1 = ? AND parent_2 = ?`, next)) {
        const hash = [row.md5path_1, row.md5path_2] as [bigint, bigint]
        to.#run(INSERT, ...Object.values(row))
        for (const chunk of this.#raw('SELECT * FROM chunks WHERE md5path_1 = ? AND md5path_2 = ?', hash)) {
          to.#run(INSERT_CHUNK, ...Object.values(chunk))
        }
        const flags = Number(row.flags)
        if ((flags & FLAGS.directory) !== 0 && (flags & FLAGS.nestedMountpoint) === 0) directories.push(hash)
      }
      this.#run(
        `DELETE FROM chunks WHERE (md5path_1, md5path_2) IN (SELECT md5path_1, md5path_2 FROM catalog WHERE parent_1 = ? AND parent_2 = ?)`,
        ...next,
      )
      this.#run('DELETE FROM catalog WHERE parent_1 = ? AND parent_2 = ?', ...next)
    }
  }

  attach({ path, hash, size }: NestedCatalog): void {
    this.#run(
      'INSERT OR REPLACE INTO nested_catalogs VALUES (CAST(? AS TEXT), ?, ?)',
      Buffer.from(path, 'latin1'),
      formatContentHash(hash),
      size ?? 0,
    )
    this.reader.noteNested(path, { path, hash, size })
  }

  detach(path: string): void {
    this.reader.noteNested(path, undefined)
    this.#run('DELETE FROM nested_catalogs WHERE path = CAST(? AS TEXT)', Buffer.from(path, 'latin1'))
  }

  /** The largest number of a group of hard links. */
  lastHardlinkGroup(): number {
    return Number(this.#all('SELECT max(hardlinks >> 32) AS last FROM catalog')[0]?.last ?? 0)
  }

  /** Of its own rows. */
  ownCounts(): Counts {
    const [row] = this.#all(`SELECT
      count(*) FILTER (WHERE flags & 4 AND NOT flags & 24) AS regular,
      count(*) FILTER (WHERE flags & 8) AS symlink,
      count(*) FILTER (WHERE flags & 16) AS special,
      count(*) FILTER (WHERE flags & 1) AS dir,
      (SELECT count(*) FROM nested_catalogs) AS nested,
      count(*) FILTER (WHERE flags & 64) AS chunked,
      (SELECT count(*) FROM chunks) AS chunks,
      coalesce(sum(size) FILTER (WHERE flags & 4 AND NOT flags & 24), 0) AS file_size,
      coalesce(sum(size) FILTER (WHERE flags & 64), 0) AS chunked_size,
      count(*) FILTER (WHERE xattr IS NOT NULL) AS xattr,
      count(*) FILTER (WHERE flags & 128) AS external,
      coalesce(sum(size) FILTER (WHERE flags & 128), 0) AS external_file_size
      FROM catalog`)
    return row as unknown as Counts
  }

  /** Writes properties and statistics, and closes the file. Gives the counts of the catalog and all below it. */
  finish(properties: CatalogProperties, below: Counts): Counts {
    const set = (key: string, value: string) => this.#run('INSERT OR REPLACE INTO properties VALUES (?, ?)', key, value)
    set('revision', String(properties.revision))
    set('last_modified', String(properties.modified))
    set(
      'previous_revision',
      properties.previous === undefined ? '0'.repeat(40) : formatContentHash(properties.previous),
    )
    if (properties.ttl !== undefined) set('TTL', String(properties.ttl))
    const own = this.ownCounts()
    for (const name of COUNTERS) {
      this.#run('INSERT OR REPLACE INTO statistics VALUES (?, ?)', `self_${name}`, own[name])
      this.#run('INSERT OR REPLACE INTO statistics VALUES (?, ?)', `subtree_${name}`, below[name])
    }
    this.#database.exec('COMMIT')
    const free = this.#all('PRAGMA freelist_count')[0]?.freelist_count as number
    const pages = this.#all('PRAGMA page_count')[0]?.page_count as number
    // As the real tool: what was removed must not be downloaded for ever.
    if (free > pages / 5) this.#database.exec('VACUUM')
    this.close()
    return addCounts(own, below)
  }

  close(): void {
    this.#statements.clear()
    this.reader.close()
  }

  #run(query: string, ...values: readonly SQLInputValue[]): void {
    this.#prepared(query).run(...values)
  }

  #all(query: string): Record<string, unknown>[] {
    return this.#prepared(query).all()
  }

  /** Whole rows, with numbers of 64 bits. */
  #raw(query: string, values: readonly SQLInputValue[]): Record<string, SQLInputValue>[] {
    const statement = this.#prepared(query)
    statement.setReadBigInts(true)
    return statement.all(...values) as Record<string, SQLInputValue>[]
  }

  #prepared(query: string): StatementSync {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = this.#database.prepare(query)
      this.#statements.set(query, statement)
    }
    return statement
  }
}

/** The file is not read by anybody before it is complete; a crash leaves one that nobody looks at. */
function begin(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA page_size = 4096; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY')
  database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN')
  return database
}

const INSERT_CHUNK = 'INSERT INTO chunks VALUES (?, ?, ?, ?, ?)'
/** In the order of `INSERT`. */
const COLUMNS = `md5path_1, md5path_2, parent_1, parent_2, hardlinks, hash, size, mode, mtime, mtimens, flags,
  CAST(name AS BLOB) AS name, CAST(symlink AS BLOB) AS symlink, uid, gid, xattr`
/** By name: catalogs that were upgraded have their columns in another order. */
const INSERT = `INSERT OR REPLACE INTO catalog
  (md5path_1, md5path_2, parent_1, parent_2, hardlinks, hash, size, mode, mtime, mtimens, flags, name, symlink, uid, gid, xattr)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?)`

export function counts(value: (name: (typeof COUNTERS)[number]) => number): Counts {
  return Object.fromEntries(COUNTERS.map((name) => [name, value(name)])) as unknown as Counts
}

export const NO_COUNTS: Counts = counts(() => 0)

export function addCounts(a: Counts, b: Counts): Counts {
  return counts((name) => a[name] + b[name])
}

export function subtractCounts(a: Counts, b: Counts): Counts {
  return counts((name) => a[name] - b[name])
}

function flagsOf(entry: NewEntry, mount: Mount): number {
  const algorithm = (entry.hash ?? entry.chunks?.[0]?.hash)?.algorithm
  const bits =
    (algorithm === undefined ? 0 : HASH_ALGORITHMS.indexOf(algorithm) << 8) |
    (algorithm === undefined || entry.isCompressed ? 0 : 1 << 11)
  switch (entry.kind) {
    case 'directory':
      return (
        FLAGS.directory | (mount === 'mountpoint' ? FLAGS.nestedMountpoint : mount === 'root' ? FLAGS.nestedRoot : 0)
      )
    case 'symlink':
      return FLAGS.file | FLAGS.symlink
    case 'special':
      return FLAGS.file | FLAGS.special
    case 'file':
      if (entry.isExternal) throw new UserError('CVMFS_EXTERNAL', 'external files cannot be published')
      return FLAGS.file | (entry.chunks === undefined ? 0 : FLAGS.chunked) | bits
  }
}

/** As the real tool writes it. */
const SCHEMA = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE catalog (md5path_1 INTEGER, md5path_2 INTEGER, parent_1 INTEGER, parent_2 INTEGER, hardlinks INTEGER, hash BLOB, size INTEGER, mode INTEGER, mtime INTEGER, mtimens INTEGER, flags INTEGER, name TEXT, symlink TEXT, uid INTEGER, gid INTEGER, xattr BLOB,  CONSTRAINT pk_catalog PRIMARY KEY (md5path_1, md5path_2));
CREATE INDEX idx_catalog_parent ON catalog (parent_1, parent_2);
CREATE TABLE chunks (md5path_1 INTEGER, md5path_2 INTEGER, offset INTEGER, size INTEGER,  hash BLOB,  CONSTRAINT pk_chunks PRIMARY KEY (md5path_1, md5path_2, offset, size),  FOREIGN KEY (md5path_1, md5path_2) REFERENCES    catalog(md5path_1, md5path_2));
CREATE TABLE nested_catalogs (path TEXT, sha1 TEXT, size INTEGER, CONSTRAINT pk_nested_catalogs PRIMARY KEY (path));
CREATE TABLE bind_mountpoints (path TEXT, sha1 TEXT, size INTEGER, CONSTRAINT pk_bind_mountpoints PRIMARY KEY (path));
CREATE TABLE statistics (counter TEXT, value INTEGER, CONSTRAINT pk_statistics PRIMARY KEY (counter));
`
