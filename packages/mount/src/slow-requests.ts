import { constants } from 'node:os'
import type { NestedCatalog, ObjectCache, ObjectSource, WantedObject } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import { type AnswerOptions, answerTo, formatError, type Request, writeAnswer } from '@baryon/fuse'
import { Absent } from './absent.ts'
import type { CatalogTable } from './catalog-table.ts'
import type { Log } from './log.ts'
import { directoryId } from './node-id.ts'
import { createPrefetch } from './prefetch.ts'
import type { RepositoryTree } from './repository-tree.ts'
import type { ToThread } from './thread-messages.ts'

export interface SlowRequestsOptions {
  readonly descriptor: number
  readonly tree: RepositoryTree
  readonly catalogs: CatalogTable
  readonly cache: ObjectCache
  readonly source: ObjectSource
  readonly log: Log
  /** Tells the thread that answers all others. */
  tell(message: ToThread): void
}

/** Answers the requests for which something has to be fetched, any number of them at the same time. */
export class SlowRequests {
  readonly #options: SlowRequestsOptions
  readonly #waiting = new Set<number>()
  readonly #prefetch

  constructor(options: SlowRequestsOptions) {
    this.#options = options
    this.#prefetch = createPrefetch(options.cache, options.source)
  }

  async take(request: Request, answers: AnswerOptions): Promise<void> {
    const { unique } = request
    const { descriptor, tree, log } = this.#options
    this.#waiting.add(unique)
    for (let tries = 0; this.#waiting.has(unique); tries++) {
      try {
        const bytes = answerTo(tree, request, answers)
        this.#tellDirectories()
        this.#waiting.delete(unique)
        if (bytes !== undefined) writeAnswer(descriptor, bytes)
      } catch (cause) {
        try {
          await this.#provide(cause, request, tries)
        } catch (error) {
          // Whatever it is: a damaged catalog, a full disk or a fault of ours is the trouble of one reader, not of all.
          log.add(error)
          this.#refuse(unique, constants.errno.EIO)
        }
      }
    }
  }

  /**
   * Somebody waits no more, or was told something else meanwhile, which ends no reading of a file elsewhere: the answer may still come for
   * a moment. What is being fetched is fetched to its end.
   */
  interrupt(unique: number): void {
    if (!this.#waiting.has(unique)) return
    setTimeout(() => this.#refuse(unique, constants.errno.EINTR), GRACE).unref()
  }

  /** Fetches a catalog, and gives it its number. */
  async catalog(nested: NestedCatalog): Promise<void> {
    const { cache, source, catalogs, tell } = this.#options
    const { hash, size } = nested
    const wanted = { hash, kind: 'catalog', isCompressed: true, size, limit: LARGEST_CATALOG } as const
    tell({ kind: 'catalog', catalog: catalogs.add(nested, await cache.fetch(source, wanted)) })
  }

  /** Fetches what was missing; throws what is no matter of fetching. */
  async #provide(cause: unknown, request: Request, tries: number): Promise<void> {
    if (!(cause instanceof Absent) || cause.what.kind === 'status') throw cause
    // Others may remove it before it is opened, but not for ever.
    if (tries > MOST_TRIES)
      throw new UserError('MOUNT_CACHE', 'the cache is too small for what is in use', { hint: 'give it more: --quota' })
    if (cause.what.kind === 'catalog') return this.catalog(cause.what.nested)
    const { cache, source } = this.#options
    const fetched = cache.fetch(source, cause.what.wanted)
    if (request.kind === 'read') this.#fetchAhead(request.node, cause.what.wanted)
    await fetched
  }

  #fetchAhead(node: number, { hash }: WantedObject): void {
    const { tree } = this.#options
    const entry = tree.entry(node)
    if (entry.chunks !== undefined) {
      this.#prefetch.noteChunk(entry, hash)
      return
    }
    const directory = entry.path.slice(0, entry.path.lastIndexOf('/'))
    try {
      const siblings = tree
        .list(directoryId(directory))
        .flatMap(({ node: { id, mode } }) => (mode >> 12 === REGULAR ? [tree.entry(id)] : []))
      this.#prefetch.noteFile(entry, siblings)
    } catch (error) {
      // It is only for speed: the directory may be one that the revision has no more.
      if (!(error instanceof Absent) && !(error instanceof Error && 'errno' in error)) throw error
    }
  }

  #refuse(unique: number, errno: number): void {
    if (this.#waiting.delete(unique)) writeAnswer(this.#options.descriptor, formatError(unique, errno))
  }

  #tellDirectories(): void {
    const directories = this.#options.tree.takeFreshDirectories()
    if (directories.length > 0) this.#options.tell({ kind: 'directories', directories })
  }
}

const GRACE = 1000
const MOST_TRIES = 200
const REGULAR = 8
const LARGEST_CATALOG = 4 * 1024 ** 3
