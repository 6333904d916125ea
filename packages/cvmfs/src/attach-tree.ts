/**
 * A tree that never changes is compressed and catalogued once. When one with the same contents was published from here before, its
 * catalog is attached as it was, and none of its files is read: after a rollback, after it was removed, or in another
 * repository, for which the objects are copied from the first one.
 *
 * A collection of garbage may have removed objects meanwhile. So each is looked for under the lock of the publish, and when one is nowhere, the
 * tree is published as if it were new.
 */

import { createHash } from 'node:crypto'
import { copyFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { Catalog } from './catalog.ts'
import { type CatalogWriter, type Counts, NO_COUNTS, type StoredCatalog } from './catalog-writer.ts'
import { type ContentHash, type HashAlgorithm, type ObjectKind, objectName } from './content-hash.ts'
import { CHUNK_SIZES } from './find-cuts.ts'
import { inParallel } from './in-parallel.ts'
import { writeToFile } from './object-cache.ts'
import { directorySource, readWhole } from './object-source.ts'
import type { ObjectStorage } from './object-storage.ts'
import type { PreparedCatalog, PreparedCatalogs } from './prepared-catalogs.ts'
import { readSmallObject, SMALL } from './small-object.ts'
import { MARKER, type TreeOptions } from './tree-source.ts'
import type { TreeWriter } from './tree-writer.ts'
import { totalOf, type WorkingCatalogs } from './working-catalogs.ts'

export interface AttachOptions extends Pick<TreeOptions, 'owner' | 'readXattrs'> {
  readonly prepared: PreparedCatalogs | undefined
  readonly storage: ObjectStorage
  readonly catalogs: WorkingCatalogs
  readonly trees: TreeWriter
  readonly algorithm: HashAlgorithm
  readonly isCompressed: boolean
  /** A directory for files in work, of which one may be adopted by the storage. */
  readonly scratch: string
  readonly signal: AbortSignal | undefined
  /** Called with the number of what was attached at once. */
  readonly onEntries: (count: number) => void
}

/** A directory that becomes a catalog. */
export interface PreparedTree {
  readonly at: string
  readonly contents?: (() => string) | undefined
  readonly marker?: (() => Uint8Array) | undefined
}

interface StoredObject {
  readonly hash: ContentHash
  readonly kind: ObjectKind
}

export class TreeAttacher {
  /** Catalogs that were attached as they were, and objects that were copied for them, with their bytes. */
  readonly done = { attached: 0, objects: 0, bytes: 0 }
  readonly #options: AttachOptions
  #files = 0

  constructor(options: AttachOptions) {
    this.#options = options
  }

  /** Attaches the catalog of the tree, or calls `read`, which publishes it; gives the counts of the catalog with all below it. */
  async add(writer: CatalogWriter, tree: PreparedTree, read: () => Promise<Counts>): Promise<Counts> {
    const attached = await this.#attach(writer, tree)
    if (attached !== undefined) {
      // The marker is not of the tree.
      this.#options.onEntries(attached.dir + attached.regular + attached.symlink + attached.special - 1)
      return attached
    }
    const counts = await read()
    await this.#keep(writer, tree, counts)
    return counts
  }

  /** Undefined when the tree has to be read. */
  async #attach(writer: CatalogWriter, tree: PreparedTree): Promise<Counts | undefined> {
    const key = this.#key(tree)
    const prepared = key === undefined ? undefined : this.#options.prepared?.find(key)
    if (prepared === undefined) return undefined
    const file = this.#newFile()
    let catalog: Catalog | undefined
    try {
      await unpack(prepared, file)
      catalog = Catalog.open(file, tree.at)
      const top = catalog.entry(tree.at)
      if (top?.kind !== 'directory' || catalog.nested.length > 0) return undefined
      if (!(await this.#complete(catalog, prepared))) return undefined
      const stored = await this.#stored(catalog, prepared, tree)
      writer.attach(stored)
      writer.insert(top, 'mountpoint')
      this.done.attached++
      if (!this.#isUpToDate(prepared, stored)) await this.#keep(writer, tree, stored.counts, prepared.places)
      return stored.counts
    } catch (error) {
      if (error instanceof UserError && DAMAGED.has(error.code)) return undefined
      throw error
    } finally {
      catalog?.close()
      rmSync(file, { force: true })
    }
  }

  /** Keeps the catalog of a tree that has become one, for the next time. */
  async #keep(
    writer: CatalogWriter,
    tree: PreparedTree,
    counts: Counts,
    places: readonly string[] = [],
  ): Promise<void> {
    const { prepared, storage } = this.#options
    const { directory } = storage
    const key = this.#key(tree)
    const nested = writer.reader.nestedFor(tree.at)
    // Catalogs within one another would have to be kept and found together.
    if (key === undefined || nested?.path !== tree.at || nested.size === undefined || counts.nested > 0) return
    const stored = await storage.size(nested.hash, 'catalog')
    if (stored === undefined || stored > LARGEST) return
    prepared!.keep(key, {
      ...{ hash: nested.hash, size: nested.size, marker: markerDigest(tree) },
      places: [...new Set(directory === undefined ? places : [directory, ...places])].slice(0, MOST_PLACES),
      stored: await readWhole(storage, objectName(nested.hash, 'catalog'), LARGEST),
    })
  }

  /** Everything that the catalog comes from, but the marker; undefined when it comes from what nobody knows without reading. */
  #key({ at, contents }: PreparedTree): string | undefined {
    const { prepared, owner, readXattrs, algorithm, isCompressed } = this.#options
    if (prepared === undefined || contents === undefined || owner === undefined || readXattrs !== undefined)
      return undefined
    const { least, average, most } = CHUNK_SIZES
    return JSON.stringify({
      ...{ format: FORMAT, at, contents: contents(), algorithm, isCompressed },
      ...{ chunks: [least, average, most], owner: [owner.uid, owner.gid] },
    })
  }

  /** Whether the storage has all objects of the catalog, in the end. */
  async #complete(catalog: Catalog, { places }: PreparedCatalog): Promise<boolean> {
    const { storage, signal } = this.#options
    const objects = new Map<string, StoredObject>()
    for (const { hash, kind } of catalog.objects()) objects.set(objectName(hash, kind), { hash, kind })
    const missing: StoredObject[] = []
    await inParallel(IN_WORK, [...objects.values()], async (object) => {
      signal?.throwIfAborted()
      if ((await storage.size(object.hash, object.kind)) === undefined) missing.push(object)
    })
    if (missing.length === 0) return true
    const others = places.filter((place) => place !== storage.directory && isOwnRepository(place))
    let isComplete = others.length > 0
    await inParallel(IN_WORK, isComplete ? missing : [], async (object) => {
      signal?.throwIfAborted()
      if (isComplete && !(await this.#copy(object, others))) isComplete = false
    })
    return isComplete
  }

  /** Copies an object, verified, from another repository on this disk; false when none has it. */
  async #copy(object: StoredObject, places: readonly string[]): Promise<boolean> {
    for (const place of places) {
      try {
        this.done.bytes += await this.#copyFrom(place, object)
        this.done.objects++
        return true
      } catch (error) {
        if (!(error instanceof UserError) || !UNREADABLE.has(error.code)) throw error
      }
    }
    return false
  }

  /** Gives the bytes of the object. */
  async #copyFrom(place: string, { hash, kind }: StoredObject): Promise<number> {
    const { storage, signal } = this.#options
    const wanted = { hash, kind, isCompressed: false }
    const source = directorySource(place)
    const stat = statSync(join(place, objectName(hash, kind)), { throwIfNoEntry: false })
    if (stat !== undefined && stat.size <= SMALL) {
      const bytes = await readSmallObject(source, { ...wanted, size: stat.size }, { signal })
      await storage.put(hash, kind, bytes)
      return bytes.length
    }
    const file = this.#newFile()
    try {
      const size = await writeToFile(file, source, wanted, { signal })
      await storage.adopt(hash, kind, file)
      return size
    } finally {
      rmSync(file, { force: true })
    }
  }

  /** The catalog in the storage, with the marker that the tree has now: signatures may have come. */
  async #stored(catalog: Catalog, prepared: PreparedCatalog, tree: PreparedTree): Promise<StoredCatalog> {
    const { catalogs, trees } = this.#options
    const { hash, size } = prepared
    const path = `${tree.at}/${MARKER}`
    const marker = catalog.entry(path)
    if (tree.marker === undefined || marker === undefined || markerDigest(tree) === prepared.marker) {
      await this.#put(prepared)
      return { path: tree.at, hash, size, counts: totalOf(catalog) }
    }
    const copy = this.#newFile()
    copyFileSync(catalog.file, copy)
    const changed = catalogs.change(copy, tree.at)
    changed.writer.insert(await trees.fileEntry(marker, tree.marker()))
    return catalogs.store(changed, NO_COUNTS)
  }

  async #put({ hash, stored }: PreparedCatalog): Promise<void> {
    const { storage } = this.#options
    if ((await storage.size(hash, 'catalog')) !== undefined) return
    await storage.put(hash, 'catalog', stored)
    this.done.objects++
    this.done.bytes += stored.length
  }

  #isUpToDate({ hash, places }: PreparedCatalog, stored: StoredCatalog): boolean {
    const { directory } = this.#options.storage
    return hash.hex === stored.hash.hex && (directory === undefined || places[0] === directory)
  }

  #newFile(): string {
    return join(this.#options.scratch, `attach-${this.#files++}`)
  }
}

/** Of what decides how a catalog is written; to be raised when that changes. */
const FORMAT = 1
/** Bytes of a catalog as it is stored: it is held in memory. */
const LARGEST = 64 << 20
/** Bytes of a catalog unpacked. */
const LARGEST_UNPACKED = 1 << 30
const MOST_PLACES = 4
const UNREADABLE = new Set(['CVMFS_MISSING', 'CVMFS_CORRUPT', 'CVMFS_SIZE', 'CVMFS_UNREADABLE'])

function markerDigest({ marker }: PreparedTree): string {
  return marker === undefined ? '' : createHash('sha256').update(marker()).digest('hex')
}

/** A directory that somebody else has made since could hold up who reads it. */
function isOwnRepository(place: string): boolean {
  const manifest = statSync(join(place, '.cvmfspublished'), { throwIfNoEntry: false })
  return manifest?.isFile() === true && manifest.uid === process.geteuid!()
}

/** Throws what is in `DAMAGED`. */
async function unpack({ hash, size, stored }: PreparedCatalog, file: string): Promise<void> {
  const source = { name: 'the prepared catalog', open: () => pieces(stored) }
  const wanted = { hash, kind: 'catalog', isCompressed: true, size: Math.min(size, LARGEST_UNPACKED) } as const
  await writeToFile(file, source, wanted)
}

/** What is wrong in a catalog, whoever wrote it. */
const DAMAGED = new Set(['CVMFS_CORRUPT', 'CVMFS_SIZE', 'CVMFS_CATALOG', 'CVMFS_HASH'])

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Objects that are looked for, or copied, at once. */
const IN_WORK = 32
