import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { quoteBytes, UserError } from '@baryon/format'
import type { Catalog, NestedCatalog } from './catalog.ts'
import {
  addCounts,
  CatalogWriter,
  type Counts,
  counts,
  NO_COUNTS,
  type StoredCatalog,
  subtractCounts,
} from './catalog-writer.ts'
import type { ContentHash } from './content-hash.ts'
import type { Entry } from './entry.ts'
import type { Ingester } from './ingest.ts'
import type { Revision } from './revision.ts'

/** A catalog of the last revision that is being changed. */
export interface Working {
  readonly writer: CatalogWriter
  readonly file: string
  parent: Working | undefined
  /** Undefined for one that is made now. */
  readonly formerHash: ContentHash | undefined
  /** Of it and all below, before. */
  readonly formerCounts: Counts
  /** Of all below, now. */
  below: Counts
}

export interface WorkingOptions {
  /** What is changed. */
  readonly revision: Revision
  readonly rootHash: ContentHash
  readonly ingester: Ingester
  /** A directory for files in work, of these alone. */
  readonly scratch: string
  /** Seconds, of the new revision. */
  readonly ttl: number
  /** Seconds since 1970. */
  readonly now: number
  readonly signal: AbortSignal | undefined
}

/** Copies of the catalogs between the root and what changes, and catalogs that are made anew. */
export class WorkingCatalogs {
  readonly #options: WorkingOptions
  readonly #byPath = new Map<string, Working>()
  readonly #open = new Set<CatalogWriter>()
  #files = 0
  #stored = 0

  constructor(options: WorkingOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#byPath.size === 0
  }

  /** Catalogs that were written. */
  get stored(): number {
    return this.#stored
  }

  /** What is at a path now, with all changes so far. */
  async current(path: string): Promise<Entry | undefined> {
    return (await this.#now(path, false)).entry(path)
  }

  async has(path: string): Promise<boolean> {
    return (await this.#now(path, false)).has(path)
  }

  /** The catalog that has the contents of the directory, with those above it, as copies to be changed. */
  async of(path: string): Promise<Working> {
    const { revision, rootHash, signal } = this.#options
    let working: Working | undefined = this.#byPath.get('')
    working ??= this.#changeFormer(await revision.rootCatalog(signal), rootHash, undefined)
    for (;;) {
      const nested: NestedCatalog | undefined = working.writer.reader.nestedFor(path)
      if (nested === undefined) return working
      working =
        this.#byPath.get(nested.path) ??
        this.#changeFormer(await revision.catalog(nested, signal), nested.hash, working)
    }
  }

  /** Paths of the directories whose names fit rules of a dirtab. */
  async directories(rules: readonly (readonly RegExp[])[]): Promise<string[]> {
    const found = new Set<string>()
    const visit = async (path: string, [pattern, ...deeper]: readonly RegExp[]): Promise<void> => {
      if (pattern === undefined) return void found.add(path)
      const children = (await this.#now(path, true)).list(path)
      for (const child of children) {
        if (child.kind === 'directory' && pattern.test(child.name)) await visit(child.path, deeper)
      }
    }
    for (const rule of rules) await visit('', rule)
    return [...found]
  }

  /** Moves what is in a directory to a catalog of its own, with it as the root; undefined when it has one already. */
  async split(path: string): Promise<Working | undefined> {
    const parent = await this.of(path)
    if (parent.writer.path === path) return undefined
    const { revision, signal } = this.#options
    const made: Working = {
      ...this.create(path),
      ...{ parent, formerHash: undefined, formerCounts: NO_COUNTS, below: NO_COUNTS },
    }
    const directory = parent.writer.reader.entry(path)!
    made.writer.insert(directory, 'root')
    parent.writer.moveBelow(path, made.writer)
    for (const nested of parent.writer.reader.nested) {
      if (!nested.path.startsWith(`${path}/`)) continue
      const changed = this.#byPath.get(nested.path)
      if (changed !== undefined) changed.parent = made
      const total = changed?.formerCounts ?? totalOf(await revision.catalog(nested, signal))
      parent.below = subtractCounts(parent.below, total)
      made.below = addCounts(made.below, total)
      parent.writer.detach(nested.path)
      made.writer.attach(nested)
    }
    // What the parent says of it is written with all others.
    parent.writer.attach({ path, hash: this.#options.rootHash, size: undefined })
    this.#byPath.set(path, made)
    return made
  }

  /** Takes out the nested catalogs at a path and below it. Throws `CVMFS_CHANGES` when one of them was changed before. */
  async detachBelow(working: Working, path: string): Promise<void> {
    const { revision, signal } = this.#options
    for (const nested of working.writer.reader.nested) {
      if (nested.path !== path && !nested.path.startsWith(`${path}/`)) continue
      if (this.#byPath.has(nested.path)) {
        throw new UserError('CVMFS_CHANGES', `${quoteBytes(nested.path)} is changed and removed by the same publish`)
      }
      working.below = subtractCounts(working.below, totalOf(await revision.catalog(nested, signal)))
      working.writer.detach(nested.path)
    }
  }

  /** An empty catalog to be mounted at `path`, and to be given to `store`. */
  create(path: string): { readonly writer: CatalogWriter; readonly file: string } {
    const file = this.#newFile()
    const writer = CatalogWriter.create(file, path)
    this.#open.add(writer)
    return { writer, file }
  }

  /** Changes a file in the scratch directory, a copy of a catalog of no revision; to be given to `store`. */
  change(file: string, path: string): { readonly writer: CatalogWriter; readonly file: string } {
    const writer = CatalogWriter.change(file, path)
    this.#open.add(writer)
    return { writer, file }
  }

  /** Stores one that was made anew, with the counts of all below it. */
  store(made: { readonly writer: CatalogWriter; readonly file: string }, below: Counts): Promise<StoredCatalog> {
    return this.#store(made, below, undefined, 1)
  }

  /** Stores all that were changed, from the leaves to the root, and gives the root. */
  async storeAll(revision: number): Promise<StoredCatalog> {
    await this.of('')
    // Deeper ones first; the root comes last.
    const order = [...this.#byPath.values()].sort((a, b) => b.writer.path.length - a.writer.path.length)
    let stored: StoredCatalog | undefined
    for (const working of order) {
      const { writer, parent } = working
      const top = writer.reader.entry(writer.path)!
      stored = await this.#store(working, working.below, working.formerHash, revision)
      if (parent === undefined) continue
      parent.writer.attach(stored)
      parent.writer.insert(top, 'mountpoint')
      parent.below = addCounts(subtractCounts(parent.below, working.formerCounts), stored.counts)
    }
    return stored!
  }

  /** Closes what an error left open. */
  close(): void {
    for (const writer of this.#open) writer.close()
  }

  /** The catalog, as it is now, that has an entry, or the contents of a directory. */
  async #now(path: string, isDirectory: boolean): Promise<Catalog> {
    const { revision, signal } = this.#options
    let catalog = this.#byPath.get('')?.writer.reader ?? (await revision.rootCatalog(signal))
    for (;;) {
      const nested: NestedCatalog | undefined = catalog.nestedFor(path)
      if (nested === undefined || (nested.path === path && !isDirectory)) return catalog
      catalog = this.#byPath.get(nested.path)?.writer.reader ?? (await revision.catalog(nested, signal))
    }
  }

  #changeFormer(catalog: Catalog, formerHash: ContentHash, parent: Working | undefined): Working {
    const file = this.#newFile()
    copyFileSync(catalog.file, file)
    const working = {
      ...{ ...this.change(file, catalog.path), parent, formerHash },
      formerCounts: totalOf(catalog),
      below: countsOf(catalog, 'subtree'),
    }
    this.#byPath.set(catalog.path, working)
    return working
  }

  async #store(
    { writer, file }: { readonly writer: CatalogWriter; readonly file: string },
    below: Counts,
    previous: ContentHash | undefined,
    revision: number,
  ): Promise<StoredCatalog> {
    const { ttl, now, ingester } = this.#options
    const root = writer.path === '' ? { ttl } : {}
    const total = writer.finish({ revision, previous, modified: now, ...root }, below)
    this.#open.delete(writer)
    const bytes = readFileSync(file)
    rmSync(file)
    this.#stored++
    const { length: size } = bytes
    return { path: writer.path, hash: await ingester.bytes(bytes, 'catalog'), size, counts: total }
  }

  #newFile(): string {
    return join(this.#options.scratch, String(this.#files++))
  }
}

function countsOf({ statistics }: Catalog, prefix: 'self' | 'subtree'): Counts {
  return counts((name) => statistics.get(`${prefix}_${name}`) ?? 0)
}

/** Of a catalog and all below it. */
export function totalOf(catalog: Catalog): Counts {
  return addCounts(countsOf(catalog, 'self'), countsOf(catalog, 'subtree'))
}
