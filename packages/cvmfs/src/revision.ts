import { closeSync, openSync, readSync } from 'node:fs'
import { quoteBytes, UserError } from '@baryon/format'
import { Catalog, type NestedCatalog } from './catalog.ts'
import type { ContentHash, ObjectKind } from './content-hash.ts'
import type { Entry } from './entry.ts'
import type { ObjectCache } from './object-cache.ts'
import type { ObjectSource } from './object-source.ts'

/** Where the objects of a revision are taken from and kept. */
export interface RevisionRoot {
  readonly source: ObjectSource
  readonly cache: ObjectCache
}

/** One piece of a file: the bytes from `offset` on are those of the object. */
export interface Piece {
  readonly offset: number
  readonly size: number
  readonly hash: ContentHash
  readonly kind: ObjectKind
}

/** The tree of one revision. Catalogs are fetched when something in them is asked for. To be closed. */
export class Revision {
  readonly #root: RevisionRoot
  /** By path; with the hash, since a publish asks for those that it has written, too. */
  readonly #catalogs = new Map<string, { readonly hash: string; readonly opened: Promise<Catalog> }>()
  readonly #replaced: Promise<Catalog>[] = []
  readonly #rootHash: ContentHash
  readonly #rootSize: number | undefined

  private constructor(root: RevisionRoot, hash: ContentHash, size: number | undefined) {
    this.#root = root
    this.#rootHash = hash
    this.#rootSize = size
  }

  static async open(
    root: RevisionRoot,
    hash: ContentHash,
    size: number | undefined,
    signal?: AbortSignal,
  ): Promise<Revision> {
    const revision = new Revision(root, hash, size)
    await revision.rootCatalog(signal)
    return revision
  }

  get rootHash(): ContentHash {
    return this.#rootHash
  }

  rootCatalog(signal?: AbortSignal): Promise<Catalog> {
    return this.catalog({ path: '', hash: this.#rootHash, size: this.#rootSize }, signal)
  }

  catalog(nested: NestedCatalog, signal?: AbortSignal): Promise<Catalog> {
    const { path, hash } = nested
    const known = this.#catalogs.get(path)
    if (known?.hash === hash.hex) return known.opened
    if (known !== undefined) this.#replaced.push(known.opened)
    const opened = this.#openCatalog(nested, signal)
    this.#catalogs.set(path, { hash: hash.hex, opened })
    opened.catch(() => {
      if (this.#catalogs.get(path)?.opened === opened) this.#catalogs.delete(path)
    })
    return opened
  }

  async #openCatalog({ path, hash, size }: NestedCatalog, signal: AbortSignal | undefined): Promise<Catalog> {
    const { source, cache } = this.#root
    const wanted = { hash, kind: 'catalog', isCompressed: true, size, limit: CATALOG_LIMIT } as const
    return Catalog.open(await cache.fetch(source, wanted, signal), path)
  }

  /** The catalog that has the entries of the directory at `path`. */
  async catalogOf(path: string, signal?: AbortSignal): Promise<Catalog> {
    let catalog = await this.rootCatalog(signal)
    for (;;) {
      const next = catalog.nestedFor(path)
      if (next === undefined) return catalog
      catalog = await this.catalog(next, signal)
    }
  }

  /** What is at a path (`''` or `/a/b`, a byte string); links are not followed. */
  async entry(path: string, signal?: AbortSignal): Promise<Entry | undefined> {
    return (await this.catalogOf(path, signal)).entry(path)
  }

  /** The entries of a directory, sorted by name. */
  async list(path: string, signal?: AbortSignal): Promise<readonly Entry[]> {
    return (await this.catalogOf(path, signal)).list(path)
  }

  /** A directory and all below it, each before what is in it, sorted by name. */
  async *walk(path = '', signal?: AbortSignal): AsyncGenerator<Entry> {
    const entry = await this.entry(path, signal)
    if (entry === undefined) return
    yield entry
    if (entry.kind !== 'directory') return
    for (const child of await this.list(path, signal)) {
      if (child.kind === 'directory') yield* this.walk(child.path, signal)
      else yield child
    }
  }

  /** The contents of a file; a piece is valid until the next one is asked for. */
  async *read(entry: Entry, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(PIECE)
    for (const piece of piecesOf(entry)) {
      const descriptor = openSync(await this.file(entry, piece, signal), 'r')
      try {
        for (;;) {
          const count = readSync(descriptor, buffer)
          if (count === 0) break
          yield buffer.subarray(0, count)
        }
      } finally {
        closeSync(descriptor)
      }
    }
  }

  /** A file of the cache with the bytes of a piece. */
  file(entry: Entry, piece: Piece, signal?: AbortSignal): Promise<string> {
    const { source, cache } = this.#root
    const { hash, kind, size } = piece
    return cache.fetch(source, { hash, kind, isCompressed: entry.isCompressed, size }, signal)
  }

  /** Closes the catalog that is mounted at a path. It is opened again when something in it is asked for. */
  async release(path: string): Promise<void> {
    const known = this.#catalogs.get(path)
    this.#catalogs.delete(path)
    const [result] = await Promise.allSettled([known?.opened])
    if (result.status === 'fulfilled') result.value?.close()
  }

  async close(): Promise<void> {
    const opened = [...this.#replaced.splice(0), ...[...this.#catalogs.values()].map((known) => known.opened)]
    this.#catalogs.clear()
    for (const result of await Promise.allSettled(opened)) if (result.status === 'fulfilled') result.value.close()
  }
}

/** The objects that a file consists of, in order. */
export function piecesOf(entry: Entry): Piece[] {
  if (entry.kind !== 'file') throw new UserError('CVMFS_NO_FILE', `${quoteBytes(entry.path)} is a ${entry.kind}`)
  if (entry.isExternal) {
    throw new UserError('CVMFS_EXTERNAL', `the contents of ${quoteBytes(entry.path)} are not in the repository`, {
      hint: 'external files lie on a server of their own, which only the real client knows',
    })
  }
  if (entry.chunks !== undefined) return entry.chunks.map((chunk) => ({ ...chunk, kind: 'chunk' }))
  if (entry.hash === undefined) {
    throw new UserError('CVMFS_CATALOG', `a catalog names no object for ${quoteBytes(entry.path)}`)
  }
  return [{ offset: 0, size: entry.size, hash: entry.hash, kind: 'file' }]
}

const CATALOG_LIMIT = 4 * 1024 ** 3
const PIECE = 256 * 1024
