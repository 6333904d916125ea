import { quoteBytes, UserError } from '@baryon/format'
import type { Catalog } from './catalog.ts'
import { addCounts, type Counts, counts, NO_COUNTS } from './catalog-writer.ts'
import { checkCatalog, checkSubtreeCounters } from './check-catalog.ts'
import { checkReflog } from './check-reflog.ts'
import { type ContentHash, formatContentHash, objectName } from './content-hash.ts'
import type { Entry } from './entry.ts'
import { readObject, type WantedObject } from './object-cache.ts'
import { type OpenRepositoryOptions, openRepository, type Repository } from './repository.ts'
import { piecesOf, type Revision } from './revision.ts'

export interface CheckOptions extends OpenRepositoryOptions {
  /** Revisions with a tag as well; default: only the current one. */
  readonly withTags?: boolean
  readonly onProgress?: (progress: {
    readonly catalogs: number
    readonly objects: number
    readonly bytes: number
  }) => void
}

export interface Problem {
  /** As of the error that reading would give; `CVMFS_INCONSISTENT` for what only a check finds. */
  readonly code: string
  readonly message: string
}

export interface CheckReport {
  readonly problems: readonly Problem[]
  readonly revisions: number
  readonly catalogs: number
  /** Different objects whose hashes and sizes were verified, and their bytes unpacked. */
  readonly objects: number
  readonly bytes: number
}

/**
 * Verifies signatures, catalogs, counters, and every object with its hash and size. What cannot be read at all ends the check, as a
 * problem; everything else is collected.
 */
export async function checkRepository(options: CheckOptions): Promise<CheckReport> {
  const check = new Check(options)
  await check.guard(async () => {
    const repository = await openRepository(options)
    await check.run(repository)
  })
  return check.report()
}

class Check {
  readonly #options: CheckOptions
  /** By what they say: what is damaged may be met several times. */
  readonly #problems = new Map<string, Problem>()
  readonly #objects = new Set<string>()
  /** Counts of catalogs that were checked, with all below: one may belong to many revisions. */
  readonly #catalogs = new Map<string, Counts>()
  #revisions = 0
  #bytes = 0

  constructor(options: CheckOptions) {
    this.#options = options
  }

  report(): CheckReport {
    return {
      problems: [...this.#problems.values()],
      revisions: this.#revisions,
      catalogs: this.#catalogs.size,
      objects: this.#objects.size,
      bytes: this.#bytes,
    }
  }

  /** What a user can be told becomes a problem; one of a catalog says which one it is. */
  async guard(work: () => Promise<void>, catalog?: ContentHash): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const isUnnamed = catalog !== undefined && error.code === 'CVMFS_CATALOG'
      this.#add(error.code, isUnnamed ? `${objectName(catalog, 'catalog')}: ${error.message}` : error.message)
    }
  }

  #add(code: string, message: string): void {
    this.#problems.set(`${code} ${message}`, { code, message })
  }

  async run(repository: Repository): Promise<void> {
    const { manifest } = repository
    await this.guard(() => checkReflog(repository, (problem) => this.#inconsistent(problem)))
    const single = [
      { hash: manifest.certificate, kind: 'certificate' },
      { hash: manifest.metainfo, kind: 'metainfo' },
      { hash: manifest.history, kind: 'history' },
    ] as const
    for (const { hash, kind } of single) {
      if (hash !== undefined) await this.#object(repository, { hash, kind, isCompressed: true })
    }
    const roots = [{ what: 'the current revision', hash: manifest.rootCatalog, size: manifest.rootCatalogSize }]
    if (this.#options.withTags === true) {
      await this.guard(async () => {
        for (const tag of await repository.tags()) {
          roots.push({ what: `tag ${tag.name}`, hash: tag.rootCatalog, size: tag.size })
        }
      })
    }
    const seen = new Set<string>()
    for (const { hash, size } of roots) {
      if (seen.has(formatContentHash(hash))) continue
      seen.add(formatContentHash(hash))
      this.#revisions++
      await this.guard(async () => {
        const revision = await repository.revision(hash)
        try {
          await this.#object(repository, { hash, kind: 'catalog', isCompressed: true, size })
          const root = await revision.rootCatalog()
          if (hash === manifest.rootCatalog) this.#revisionNumber(manifest.revision, root)
          await this.#catalog(repository, revision, root, hash, undefined)
        } finally {
          await revision.close()
        }
      }, hash)
    }
  }

  #revisionNumber(expected: number, root: Catalog): void {
    const revision = root.number('revision')
    if (revision === undefined || revision === expected) return
    this.#inconsistent(`the manifest is of revision ${expected}, its root catalog of ${revision}`)
  }

  async #catalog(
    repository: Repository,
    revision: Revision,
    catalog: Catalog,
    hash: ContentHash,
    mountpoint: Entry | undefined,
  ): Promise<Counts> {
    const key = `${formatContentHash(hash)} ${catalog.path}`
    const known = this.#catalogs.get(key)
    if (known !== undefined) return known
    const report = (problem: string): void => this.#inconsistent(problem)
    checkCatalog(catalog, mountpoint, report)
    let below = NO_COUNTS
    for (const nested of catalog.nested) {
      await this.guard(async () => {
        await this.#object(repository, { ...nested, kind: 'catalog', isCompressed: true })
        const child = await revision.catalog(nested)
        below = addCounts(
          below,
          await this.#catalog(repository, revision, child, nested.hash, catalog.entry(nested.path)),
        )
      }, nested.hash)
    }
    checkSubtreeCounters(catalog, below, report)
    await this.#contents(repository, catalog, catalog.path)
    for (const whole of catalog.wholeObjects()) await this.#object(repository, whole)
    const { statistics } = catalog
    const total = addCounts(
      counts((name) => statistics.get(`self_${name}`) ?? 0),
      below,
    )
    this.#catalogs.set(key, total)
    this.#progress()
    return total
  }

  async #contents(repository: Repository, catalog: Catalog, path: string): Promise<void> {
    for (const entry of catalog.listAll(path)) {
      this.#options.signal?.throwIfAborted()
      if (entry.kind === 'directory' && !entry.isNestedCatalog) await this.#contents(repository, catalog, entry.path)
      if (entry.kind !== 'file' || entry.isExternal) continue
      await this.guard(async () => {
        for (const piece of piecesOf(entry)) {
          const { hash, kind, size } = piece
          await this.#object(repository, { hash, kind, size, isCompressed: entry.isCompressed }, entry.path)
        }
      })
    }
  }

  async #object({ source }: Repository, wanted: WantedObject, path?: string): Promise<void> {
    const name = `${objectName(wanted.hash, wanted.kind)} ${wanted.size ?? ''} ${wanted.isCompressed}`
    if (this.#objects.has(name)) return
    this.#objects.add(name)
    try {
      for await (const piece of readObject(source, wanted)) this.#bytes += piece.length
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const where = path === undefined ? '' : `${quoteBytes(path)}: `
      this.#add(error.code, where + error.message)
    }
    if (this.#objects.size % REPORT_EVERY === 0) this.#progress()
  }

  #inconsistent(message: string): void {
    this.#add('CVMFS_INCONSISTENT', message)
  }

  #progress(): void {
    this.#options.onProgress?.({ catalogs: this.#catalogs.size, objects: this.#objects.size, bytes: this.#bytes })
  }
}

const REPORT_EVERY = 100
