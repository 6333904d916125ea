import type { ContentHash } from './content-hash.ts'

export type EntryKind = 'directory' | 'file' | 'symlink' | 'special'

/** One row of a catalog. Names, paths, targets and attributes are byte strings: one character for each byte. */
export interface Entry {
  /** Inside the repository: `''` is its root, others begin with a slash and do not end in one. */
  readonly path: string
  readonly name: string
  readonly kind: EntryKind
  /** As of `stat`, with the type of the file. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes; of a device its number. */
  readonly size: number
  /** Seconds since 1970, and nanoseconds where the catalog has them. */
  readonly mtime: number
  readonly mtimeNanoseconds: number | undefined
  readonly linkCount: number
  /** Files of one catalog with the same number, if it is not 0, are one file. */
  readonly hardlinkGroup: number
  /** Of a file that is one object. */
  readonly hash: ContentHash | undefined
  /** Of a file that is several. In order, without gaps. */
  readonly chunks: readonly Chunk[] | undefined
  readonly isCompressed: boolean
  /** Its contents are not in the repository, but on some other server under their path. */
  readonly isExternal: boolean
  /** Of a symbolic link; `$(VARIABLE:-default)` in it is for the client to fill in. */
  readonly target: string
  readonly xattrs: ReadonlyMap<string, string>
  /** A catalog of its own begins here. */
  readonly isNestedCatalog: boolean
}

export interface Chunk {
  readonly offset: number
  readonly size: number
  readonly hash: ContentHash
}

/** The bits of `flags` in a catalog. */
export const FLAGS = {
  directory: 1,
  nestedMountpoint: 2,
  file: 4,
  symlink: 8,
  special: 16,
  nestedRoot: 32,
  chunked: 64,
  external: 128,
  bindMountpoint: 0x4000,
  hidden: 0x8000,
} as const

const HASH_SHIFT = 8
const COMPRESSION_SHIFT = 11
const THREE_BITS = 7

/** Index into `HASH_ALGORITHMS`. */
export function hashAlgorithmOf(flags: number): number {
  return (flags >> HASH_SHIFT) & THREE_BITS
}

/** 0 is zlib, 1 is none. */
export function compressionOf(flags: number): number {
  return (flags >> COMPRESSION_SHIFT) & THREE_BITS
}
