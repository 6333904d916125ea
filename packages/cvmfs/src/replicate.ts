/**
 * A replica (Stratum 1) of a repository in a directory. Everything is verified before it is stored; a catalog is stored only after all below
 * it, so that one that is there says that all below it is there; the manifest comes last. So it may be killed at any
 * time, and the next run goes on where it ended.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { Catalog, type NestedCatalog } from './catalog.ts'
import { type ContentHash, contentHashesEqual, type ObjectKind, objectName } from './content-hash.ts'
import { parseManifest } from './manifest.ts'
import { fetchToFile, writeToFile } from './object-cache.ts'
import { createDirectories, directoryStorage, type ObjectStorage } from './object-storage.ts'
import { type OpenRepositoryOptions, openRepository, type Repository } from './repository.ts'

export interface ReplicateOptions extends Omit<OpenRepositoryOptions, 'cacheDirectory' | 'known'> {
  readonly directory: string
  /** Objects on their way at once; default 8. */
  readonly parallel?: number
  readonly onProgress?: (progress: ReplicateProgress) => void
}

export interface ReplicateProgress {
  readonly catalogs: number
  /** Objects and bytes that were fetched. */
  readonly objects: number
  readonly bytes: number
}

export interface ReplicateResult extends ReplicateProgress {
  readonly name: string
  readonly revision: number
  /** False when the replica had this revision already. */
  readonly isChanged: boolean
}

/** Throws what opening and reading throw, `CVMFS_ROLLBACK` for a source that is behind the replica, and `CVMFS_LOCKED`. */
export async function replicate(options: ReplicateOptions): Promise<ReplicateResult> {
  const { directory } = options
  createDirectories(directory)
  const storage = directoryStorage(directory)
  const lock = await storage.lock()
  const { scratch } = lock
  try {
    const former = existsSync(join(directory, '.cvmfspublished'))
      ? parseManifest(readFileSync(join(directory, '.cvmfspublished')))
      : undefined
    const repository = await openRepository({
      ...options,
      name: options.name ?? former?.name,
      cacheDirectory: scratch,
      ...(former === undefined ? {} : { known: former }),
    })
    const { manifest } = repository
    const replica = new Replica(options, repository, storage, scratch)
    const isChanged = former === undefined || !contentHashesEqual(former.rootCatalog, manifest.rootCatalog)
    await replica.copyRevisions()
    await storage.sync()
    await storage.replace('.cvmfswhitelist', repository.whitelistBytes)
    await storage.replace('.cvmfspublished', repository.manifestBytes)
    await storage.replace('.cvmfs_last_snapshot', Buffer.from(`${new Date(options.now ?? Date.now()).toUTCString()}\n`))
    return { name: manifest.name, revision: manifest.revision, isChanged, ...replica.done }
  } finally {
    await lock.release()
  }
}

class Replica {
  readonly done = { catalogs: 0, objects: 0, bytes: 0 }
  readonly #options: ReplicateOptions
  readonly #repository: Repository
  readonly #storage: ObjectStorage
  readonly #scratch: string
  /** On their way: the same object may be in many places. */
  readonly #underway = new Map<string, Promise<void>>()

  constructor(options: ReplicateOptions, repository: Repository, storage: ObjectStorage, scratch: string) {
    this.#options = options
    this.#repository = repository
    this.#storage = storage
    this.#scratch = scratch
  }

  async copyRevisions(): Promise<void> {
    const { manifest } = this.#repository
    await this.#tree({ path: '', hash: manifest.rootCatalog, size: manifest.rootCatalogSize })
    for (const tag of await this.#repository.tags(this.#options.signal)) {
      try {
        await this.#tree({ path: '', hash: tag.rootCatalog, size: tag.size })
      } catch (error) {
        // Of a revision that was collected only the name is left.
        const isGone = error instanceof UserError && error.code === 'CVMFS_MISSING'
        if (!isGone || !manifest.isGarbageCollectable) throw error
      }
    }
    const single = [
      [manifest.history, 'history'],
      [manifest.certificate, 'certificate'],
      [manifest.metainfo, 'metainfo'],
    ] as const
    for (const [hash, kind] of single) if (hash !== undefined) await this.#copy(hash, kind)
  }

  /** A catalog with all below it. */
  async #tree(wanted: NestedCatalog): Promise<void> {
    if ((await this.#storage.size(wanted.hash, 'catalog')) !== undefined) return
    const packed = join(this.#scratch, randomBytes(8).toString('hex'))
    const file = `${packed}-catalog`
    try {
      await this.#fetch(wanted.hash, 'catalog', packed)
      const local = { name: 'the replica', open: () => createReadStream(packed) }
      await writeToFile(file, local, { ...wanted, kind: 'catalog', isCompressed: true, limit: CATALOG_LIMIT })
      const catalog = Catalog.open(file, wanted.path)
      try {
        for (const nested of catalog.nested) await this.#tree(nested)
        await this.#contents(catalog)
      } finally {
        catalog.close()
      }
      // Now it may say so.
      await this.#storage.sync()
      await this.#storage.put(wanted.hash, 'catalog', readFileSync(packed))
      this.done.catalogs++
      this.#progress()
    } finally {
      rmSync(packed, { force: true })
      rmSync(file, { force: true })
    }
  }

  async #contents(catalog: Catalog): Promise<void> {
    const running = new Set<Promise<void>>()
    let failure: unknown
    for (const { hash, kind } of catalog.objects()) {
      this.#options.signal?.throwIfAborted()
      if (failure !== undefined) break
      if ((await this.#storage.size(hash, kind)) !== undefined) continue
      const work: Promise<void> = this.#copy(hash, kind)
        .catch((error: unknown) => {
          failure ??= error
        })
        .finally(() => running.delete(work))
      running.add(work)
      if (running.size >= (this.#options.parallel ?? DEFAULT_PARALLEL)) await Promise.race(running)
    }
    await Promise.all(running)
    if (failure !== undefined) throw failure
  }

  async #copy(hash: ContentHash, kind: ObjectKind): Promise<void> {
    if ((await this.#storage.size(hash, kind)) !== undefined) return
    const name = objectName(hash, kind)
    let work = this.#underway.get(name)
    if (work === undefined) {
      work = this.#receive(hash, kind).finally(() => this.#underway.delete(name))
      this.#underway.set(name, work)
    }
    return work
  }

  async #receive(hash: ContentHash, kind: ObjectKind): Promise<void> {
    const file = join(this.#scratch, randomBytes(8).toString('hex'))
    try {
      await this.#fetch(hash, kind, file)
      await this.#storage.adopt(hash, kind, file)
    } finally {
      rmSync(file, { force: true })
    }
  }

  /** The stored bytes of an object, verified, in a file. */
  async #fetch(hash: ContentHash, kind: ObjectKind, file: string): Promise<void> {
    const stored = { hash, kind, isCompressed: false }
    const size = await fetchToFile(file, this.#repository.source, stored, this.#options.signal)
    this.done.bytes += size
    this.done.objects++
    if (this.done.objects % REPORT_EVERY === 0) this.#progress()
  }

  #progress(): void {
    this.#options.onProgress?.({ ...this.done })
  }
}

const DEFAULT_PARALLEL = 8
const REPORT_EVERY = 50
const CATALOG_LIMIT = 4 * 1024 ** 3
