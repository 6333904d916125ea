/** Rows of catalogs as they come out of the database, and the entries that they are. Throws `CVMFS_CATALOG` for what cannot be one. */
import { quoteBytes } from '@baryon/format'
import { invalid } from './catalog-error.ts'
import { contentHashOf, HASH_ALGORITHMS, type HashAlgorithm } from './content-hash.ts'
import { type Chunk, compressionOf, type Entry, type EntryKind, FLAGS, hashAlgorithmOf } from './entry.ts'
import { parseXattrs } from './xattrs.ts'

/** Values by the names of their columns; numbers are of 64 bits. */
export type Columns = Readonly<Record<string, unknown>>

/** What `entryOf` reads, of a catalog of the schema revision; conditions are to be added. */
export function selectEntries(schemaRevision: number): string {
  const xattr = schemaRevision >= 2 ? 'xattr' : 'NULL AS xattr'
  const nanoseconds = schemaRevision >= 7 ? 'mtimens' : 'NULL AS mtimens'
  // Names may have any bytes; as TEXT they would be decoded. A word of 64 bits does not fit a number.
  return `SELECT CAST(name AS BLOB) AS name, CAST(symlink AS BLOB) AS target, hash, size, mode, mtime, ${nanoseconds}, flags,
    rowid AS number, uid, gid, ${xattr}, hardlinks >> 32 AS link_group, hardlinks & 4294967295 AS links, md5path_1, md5path_2 FROM catalog`
}

/** `readChunks` gives offset, size and hash of the chunks of a file that has some, in order. */
export function entryOf(row: Columns, path: string, readChunks: () => readonly Columns[]): Entry {
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
    chunks: isChunked ? chunksOf(readChunks(), path, size, algorithmOf(flags)) : undefined,
    isCompressed: isZlib(flags),
    isExternal: (flags & FLAGS.external) !== 0,
    target: kind === 'symlink' ? text(row, 'target') : '',
    xattrs: row.xattr === null ? NO_XATTRS : parseXattrs(blob(row, 'xattr')),
    isNestedCatalog: (flags & (FLAGS.nestedMountpoint | FLAGS.nestedRoot)) !== 0,
  }
}

function chunksOf(rows: readonly Columns[], path: string, size: number, algorithm: HashAlgorithm): Chunk[] {
  const chunks = rows.map((row) => ({
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

const NO_XATTRS: ReadonlyMap<string, string> = new Map()

function kindOf(flags: number): EntryKind {
  if ((flags & FLAGS.directory) !== 0) return 'directory'
  if ((flags & FLAGS.symlink) !== 0) return 'symlink'
  if ((flags & FLAGS.special) !== 0) return 'special'
  if ((flags & FLAGS.file) !== 0) return 'file'
  throw invalid(`has an entry of no known kind (flags ${flags})`)
}

export function algorithmOf(flags: number): HashAlgorithm {
  const algorithm = HASH_ALGORITHMS[hashAlgorithmOf(flags)]
  if (algorithm === undefined) throw invalid(`has an unknown hash algorithm (flags ${flags})`)
  return algorithm
}

export function isZlib(flags: number): boolean {
  return compressionOf(flags) === 0
}

export function nameOf(row: Columns): string {
  return text(row, 'name')
}

/** What no file of a directory can be called. */
export function isNoName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name.length > 255 || /[/\0]/.test(name)
}

export function integer(row: Columns, column: string): number {
  const value = row[column]
  if (typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw invalid(`has ${String(value)} in column ${column}, which should be a count`)
}

export function blob(row: Columns, column: string): Uint8Array {
  const value = row[column]
  if (value instanceof Uint8Array) return value
  throw invalid(`has no bytes in column ${column}`)
}

export function text(row: Columns, column: string): string {
  const value = row[column]
  if (value === null) return ''
  return Buffer.from(blob(row, column)).toString('latin1')
}
