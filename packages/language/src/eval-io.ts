import type { Attrs } from './value.ts'

/**
 * The one interface between the pure evaluator and the world. Everything is synchronous: evaluation blocks on it.
 *
 * Paths are absolute byte strings (one char per byte). A missing file is reported by `undefined` from `fileType`,
 * and by an error from the others. Whoever implements it may record what was asked (answer cache, restricted mode).
 */
export interface EvalIo {
  /** Logical store directory, without a trailing slash. */
  readonly storeDirectory: string
  readFile(path: string): string
  /** Type of the file itself (a symlink is not followed), or undefined when nothing is there. */
  fileType(path: string): FileType | undefined
  readLink(path: string): string
  /** Names (bytes, unsorted) and types of the entries of a directory. */
  readDirectory(path: string): readonly { readonly name: string; readonly type: FileType }[]
  /** A cheap fingerprint of a file (size, mtime, inode…) that keys the parse cache; undefined to never cache. */
  fingerprint(path: string): string | undefined
  getEnvironment(name: string): string
  /** Seconds since 1970. */
  currentTime(): number
  /** Warnings and `builtins.trace`. */
  log(message: string): void

  /**
   * Copies a file tree into the store and returns its full store path text; without a store only computes it.
   * `filter` gets absolute path and type ("regular", "directory", "symlink", "unknown") of each entry below (and the top).
   */
  addPath(request: AddPathRequest): string
  /** Adds a text file that may refer to other store paths (`builtins.toFile`). References are full path texts. */
  addText(name: string, contents: string, references: readonly string[]): string
  /**
   * Writes a derivation's ATerm (bytes) under its precomputed store path (full text); `attrs` is what it was made of.
   */
  writeDerivation(path: string, aterm: Aterm, references: readonly string[], attrs: Attrs): void
  /** The ATerm (bytes) of a derivation that is in the store. */
  readDerivation(path: string): string
  /** True when the store has the path. */
  isValidPath(path: string): boolean
  /** Full texts of a valid path's references. */
  queryReferences(path: string): readonly string[]
  /**
   * Import from derivation: makes sure that outputs exist (builds them if allowed).
   * Physical files of the store are read through the same logical paths by the functions above.
   */
  realise(outputs: readonly { readonly derivation: string; readonly output: string }[], paths: readonly string[]): void
  /** `fetchurl`, `fetchTarball`, `fetchGit`, `fetchMercurial`, `fetchTree`: attributes in, JSON-like attributes out (`outPath` always). */
  fetch(request: FetchRequest): FetchResult
}

export type FileType = 'regular' | 'directory' | 'symlink' | 'unknown'

export interface AddPathRequest {
  readonly path: string
  readonly name: string
  readonly recursive: boolean
  readonly filter: ((path: string, type: FileType) => boolean) | undefined
  /** Expected sha256 as bytes in hexadecimal, when the expression gives one. */
  readonly expectedSha256: string | undefined
}

export interface FetchRequest {
  readonly kind: 'url' | 'tarball' | 'git' | 'mercurial' | 'tree'
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

export interface FetchResult {
  /** Full store path text. */
  readonly outPath: string
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** An ATerm (bytes) that is joined when it is asked for; after the call that gives it, it is not the same text. */
export interface Aterm {
  toString(): string
}
