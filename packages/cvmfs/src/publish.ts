/**
 * A new revision from changes of the last one. Only catalogs on the way from the root to what changes are written anew; everything
 * else stays as it is, so that the cost does not depend on the size of the repository.
 *
 * Objects first, then catalogs from the leaves to the root, the reflog, and last the manifest: whoever reads meanwhile, and whoever reads after
 * a crash, sees the last revision.
 */

import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { quoteBytes, UserError } from '@baryon/format'
import type { Catalog, NestedCatalog } from './catalog.ts'
import {
  addCounts,
  CatalogWriter,
  type Counts,
  counts,
  type NewEntry,
  NO_COUNTS,
  type StoredCatalog,
  subtractCounts,
} from './catalog-writer.ts'
import type { ContentHash, HashAlgorithm } from './content-hash.ts'
import type { Entry } from './entry.ts'
import { CHUNK_SIZES } from './find-cuts.ts'
import type { Tag } from './history.ts'
import { createIngester, type Ingester } from './ingest.ts'
import { type LinkGroup, LinkGroups } from './link-groups.ts'
import type { Manifest } from './manifest.ts'
import { nextCertificate } from './next-certificate.ts'
import type { ObjectStorage } from './object-storage.ts'
import { openRepository, type Repository } from './repository.ts'
import type { Revision } from './revision.ts'
import type { SigningKey } from './signing-key.ts'
import { storedMetainfo } from './stored-metainfo.ts'
import { addTag, movedTrunk } from './tags.ts'
import { type DiskEntry, diskEntry, hasMarker, listDirectory, MARKER, type TreeOptions } from './tree-source.ts'
import { writeRevision } from './write-revision.ts'

export type Change =
  /** What is at `at` afterwards is what is in the directory, the link or the file on disk. */
  | {
      readonly kind: 'tree'
      readonly at: string
      readonly from: string
      /** Its top, when it is a directory, gets a catalog of its own, marked or not. */
      readonly isNested?: boolean
      /**
       * Contents of the marker of that catalog, where the tree has none; default: nothing. Clients do not look at them. Asked for
       * when they are needed.
       */
      readonly marker?: () => Uint8Array
      /** What is there already is the same, and stays. */
      readonly isImmutable?: boolean
    }
  /** There is a file with these contents at `at`, for all to read; `isImmutable` as above. */
  | { readonly kind: 'file'; readonly at: string; readonly bytes: () => Uint8Array; readonly isImmutable?: boolean }
  /** There is a directory at `at`, with a catalog of its own if it is made now. */
  | { readonly kind: 'catalog'; readonly at: string }
  | { readonly kind: 'remove'; readonly at: string }

export interface PublishOptions extends TreeOptions {
  readonly storage: ObjectStorage
  readonly publicKeys: readonly (string | Uint8Array)[]
  /** Of the certificate. */
  readonly privateKey: SigningKey
  /** PEM; in the whitelist. Default: that of the last manifest. */
  readonly certificate?: string
  /** Verified objects and catalogs in work. */
  readonly cacheDirectory: string
  readonly algorithm?: HashAlgorithm
  /** Default: contents are compressed. */
  readonly isCompressed?: boolean
  /** A tag or a tagged revision that the changes are made of, instead of the current one: without changes, a rollback. */
  readonly base?: string | undefined
  readonly tag?: { readonly name: string; readonly description: string } | undefined
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
  readonly signal?: AbortSignal
  /** Called now and then. */
  readonly onProgress?: (progress: PublishProgress) => void
}

export interface PublishProgress {
  readonly entries: number
  /** Bytes of contents that were read, and of objects that were new. */
  readonly plain: number
  readonly stored: number
  readonly objects: number
}

export interface PublishResult extends PublishProgress {
  readonly manifest: Manifest
  /** Catalogs that were written. */
  readonly catalogs: number
}

/**
 * Applies the changes in order and publishes; without a change of anything, and without a tag, there is no new revision. Throws
 * `CVMFS_LOCKED` when somebody else publishes.
 */
export async function publish(options: PublishOptions, changes: readonly Change[]): Promise<PublishResult> {
  const lock = await options.storage.lock()
  try {
    const repository = await openRepository({
      source: options.storage,
      publicKeys: options.publicKeys,
      cacheDirectory: options.cacheDirectory,
      signal: options.signal,
    })
    const revision = await repository.revision(options.base)
    try {
      const transaction = new Transaction(options, repository, revision, lock.scratch)
      try {
        for (const change of changes) await transaction.apply(change)
        return transaction.hasChanges || options.tag !== undefined || options.base !== undefined
          ? await transaction.commit()
          : transaction.nothing()
      } finally {
        transaction.close()
      }
    } finally {
      await revision.close()
    }
  } finally {
    await lock.release()
  }
}

type Nesting = Pick<Extract<Change, { readonly kind: 'tree' }>, 'isNested' | 'marker'>

/** A catalog of the last revision that is being changed. */
interface Working {
  readonly writer: CatalogWriter
  readonly file: string
  readonly parent: Working | undefined
  readonly formerHash: ContentHash
  /** Of it and all below, before. */
  readonly formerCounts: Counts
  /** Of all below, now. */
  below: Counts
}

class Transaction {
  readonly #options: PublishOptions
  readonly #repository: Repository
  readonly #revision: Revision
  readonly #scratch: string
  readonly #ingester: Ingester
  readonly #working = new Map<string, Working>()
  readonly #now: number
  readonly #writers = new Set<CatalogWriter>()
  /** Of work that nobody waited for. */
  #failure: unknown
  #files = 0
  #entries = 0
  #catalogs = 0

  constructor(options: PublishOptions, repository: Repository, revision: Revision, scratch: string) {
    this.#options = options
    this.#repository = repository
    this.#revision = revision
    this.#scratch = scratch
    this.#now = Math.floor((options.now ?? Date.now()) / 1000)
    this.#ingester = createIngester(options.storage, {
      algorithm: options.algorithm ?? repository.manifest.rootCatalog.algorithm,
      isCompressed: options.isCompressed ?? true,
      chunkSizes: CHUNK_SIZES,
    })
  }

  get hasChanges(): boolean {
    return this.#working.size > 0
  }

  nothing(): PublishResult {
    return { manifest: this.#repository.manifest, catalogs: 0, entries: 0, ...this.#ingester.done }
  }

  async apply(change: Change): Promise<void> {
    const { at } = change
    checkPath(at)
    if (change.kind !== 'remove' && (change.kind === 'catalog' || change.isImmutable === true)) {
      if ((await this.#current(at)) !== undefined) return
    }
    const parentPath = at.slice(0, at.lastIndexOf('/'))
    const working = await this.#workingOf(parentPath)
    if (change.kind !== 'remove') await this.#makeDirectories(working, parentPath)
    const former = working.writer.reader.entry(at)
    if (former === undefined && change.kind === 'remove') {
      throw new UserError('CVMFS_NO_ENTRY', `there is nothing at ${quoteBytes(at)} to remove`)
    }
    if (former !== undefined) await this.#remove(working, former)
    const isDirectory = change.kind === 'remove' ? false : await this.#put(working, change)
    this.#touch(working, parentPath, (isDirectory ? 1 : 0) - (former?.kind === 'directory' ? 1 : 0))
  }

  /** What is at a path now, with all changes so far. */
  async #current(path: string): Promise<Entry | undefined> {
    let catalog = this.#working.get('')?.writer.reader ?? (await this.#revision.rootCatalog(this.#options.signal))
    for (;;) {
      const nested: NestedCatalog | undefined = catalog.nestedFor(path)
      if (nested === undefined || nested.path === path) return catalog.entry(path)
      catalog =
        this.#working.get(nested.path)?.writer.reader ?? (await this.#revision.catalog(nested, this.#options.signal))
    }
  }

  /** Tells whether it is a directory. */
  async #put(working: Working, change: Exclude<Change, { readonly kind: 'remove' }>): Promise<boolean> {
    const add = (below: Counts): void => {
      working.below = addCounts(working.below, below)
    }
    if (change.kind === 'catalog') {
      const above = working.writer.reader.entry(change.at.slice(0, change.at.lastIndexOf('/')))!
      add(await this.#addCatalog(working.writer, this.#newDirectory(above, change.at)))
      return true
    }
    if (change.kind === 'file') {
      const above = working.writer.reader.entry(change.at.slice(0, change.at.lastIndexOf('/')))!
      working.writer.insert(await this.#newFileEntry(this.#newDirectory(above, change.at), change.bytes()))
      this.#count()
      return false
    }
    const top = diskEntry(Buffer.from(change.from, 'utf8').toString('latin1'), change.at, this.#options)
    add(await this.#add(working.writer, top, change))
    return top.kind === 'directory'
  }

  /** Everything but the manifest is in the storage before it. */
  async commit(): Promise<PublishResult> {
    const { storage } = this.#options
    const { manifest: last } = this.#repository
    const revision = last.revision + 1
    // Deeper ones first; the root catalog is always among them.
    await this.#workingOf('')
    const order = [...this.#working.values()].sort((a, b) => b.writer.path.length - a.writer.path.length)
    let root: StoredCatalog | undefined
    for (const working of order) {
      const { writer, parent } = working
      const top = writer.reader.entry(writer.path)!
      const stored = await this.#store(writer, working.file, working.below, working.formerHash, revision)
      if (parent === undefined) root = stored
      else {
        parent.writer.attach(stored)
        parent.writer.insert(top, 'mountpoint')
        parent.below = addCounts(subtractCounts(parent.below, working.formerCounts), stored.counts)
      }
    }
    const manifest = await writeRevision(
      {
        storage,
        last: { ...last, metainfo: await storedMetainfo(this.#repository, this.#ingester) },
        ingester: this.#ingester,
        privateKey: this.#options.privateKey,
        certificate: await nextCertificate(this.#repository, this.#ingester, this.#options.certificate),
        scratch: this.#scratch,
        now: this.#now,
      },
      {
        rootCatalog: root!.hash,
        rootCatalogSize: root!.size,
        revision,
        tags: await this.#tags(root!, revision),
      },
    )
    return { manifest, catalogs: this.#catalogs, entries: this.#entries, ...this.#ingester.done }
  }

  /** Closes what an error left open. */
  close(): void {
    for (const writer of this.#writers) writer.close()
    this.#ingester.close()
  }

  // --- catalogs ----------------------------------------------------------------------------------------------------

  /** The catalog that has the contents of the directory, with those above it, as copies to be changed. */
  async #workingOf(path: string): Promise<Working> {
    let working: Working | undefined = this.#working.get('')
    if (working === undefined) {
      const { rootCatalog } = this.#repository.manifest
      working = this.#change(await this.#revision.rootCatalog(this.#options.signal), rootCatalog, undefined)
    }
    for (;;) {
      const nested: NestedCatalog | undefined = working.writer.reader.nestedFor(path)
      if (nested === undefined) return working
      working =
        this.#working.get(nested.path) ??
        this.#change(await this.#revision.catalog(nested, this.#options.signal), nested.hash, working)
    }
  }

  #change(catalog: Catalog, formerHash: ContentHash, parent: Working | undefined): Working {
    const file = this.#newFile()
    copyFileSync(catalog.file, file)
    const { statistics } = catalog
    const of = (prefix: string) => counts((name) => statistics.get(`${prefix}_${name}`) ?? 0)
    const below = of('subtree')
    const formerCounts = addCounts(of('self'), below)
    const writer = CatalogWriter.change(file, catalog.path)
    this.#writers.add(writer)
    const working: Working = { writer, file, parent, formerHash, formerCounts, below }
    this.#working.set(catalog.path, working)
    return working
  }

  async #store(
    writer: CatalogWriter,
    file: string,
    below: Counts,
    previous: ContentHash | undefined,
    revision: number,
  ): Promise<StoredCatalog> {
    const { ttl } = this.#repository.manifest
    const root = writer.path === '' ? { ttl } : {}
    const total = writer.finish({ revision, previous, modified: this.#now, ...root }, below)
    this.#writers.delete(writer)
    const bytes = readFileSync(file)
    rmSync(file)
    this.#catalogs++
    return {
      path: writer.path,
      hash: await this.#ingester.bytes(bytes, 'catalog'),
      size: bytes.length,
      counts: total,
    }
  }

  // --- entries -----------------------------------------------------------------------------------------------------

  /** Adds a tree, and gives the counts of nested catalogs that came with it. */
  async #add(writer: CatalogWriter, top: DiskEntry, { isNested = false, marker }: Nesting = {}): Promise<Counts> {
    let below = NO_COUNTS
    const pending = new Set<Promise<void>>()
    const groups = new LinkGroups(writer.lastHardlinkGroup())
    const visit = async (directory: DiskEntry, isTop: boolean): Promise<void> => {
      const children = listDirectory(directory, this.#options)
      const linkCount = 2 + children.filter(({ kind }) => kind === 'directory').length
      writer.insert({ ...directory.entry, linkCount }, isTop ? 'root' : 'none')
      this.#count()
      const links = groups.of(children)
      for (const child of children) {
        this.#options.signal?.throwIfAborted()
        if (child.kind !== 'directory') {
          await this.#addFile(writer, child, links.get(child), pending)
        } else if (hasMarker(child)) {
          below = addCounts(below, await this.#addNested(writer, child))
        } else {
          await visit(child, false)
        }
      }
    }
    try {
      if (top.kind !== 'directory') await this.#addFile(writer, top, undefined, pending)
      else if (writer.path !== top.entry.path && (isNested || hasMarker(top)))
        below = await this.#addNested(writer, top, marker)
      else await visit(top, writer.path === top.entry.path)
    } finally {
      await Promise.all(pending)
    }
    if (this.#failure !== undefined) throw this.#failure
    return below
  }

  async #addNested(parent: CatalogWriter, top: DiskEntry, marker?: () => Uint8Array): Promise<Counts> {
    const fill = async (writer: CatalogWriter) => ({ below: await this.#add(writer, top), isMarked: hasMarker(top) })
    return this.#addCatalog(parent, top.entry, fill, marker)
  }

  /** A catalog of its own below `parent`, with the directory as its root; gives its counts, with those of all below it. */
  async #addCatalog(
    parent: CatalogWriter,
    directory: NewEntry,
    fill?: (writer: CatalogWriter) => Promise<{ readonly below: Counts; readonly isMarked: boolean }>,
    marker?: () => Uint8Array,
  ): Promise<Counts> {
    const file = this.#newFile()
    const writer = CatalogWriter.create(file, directory.path)
    this.#writers.add(writer)
    if (fill === undefined) writer.insert(directory, 'root')
    const { below, isMarked } = (await fill?.(writer)) ?? { below: NO_COUNTS, isMarked: false }
    // The tools of CVMFS want one where a catalog begins.
    if (!isMarked) {
      writer.insert(
        await this.#newFileEntry({ ...directory, path: `${directory.path}/${MARKER}` }, marker?.() ?? NO_BYTES),
      )
    }
    const mountpoint = writer.reader.entry(directory.path)!
    const stored = await this.#store(writer, file, below, undefined, 1)
    parent.attach(stored)
    parent.insert(mountpoint, 'mountpoint')
    return stored.counts
  }

  /** A file with the owner and the time of a directory. */
  async #newFileEntry(like: NewEntry, bytes: Uint8Array): Promise<NewEntry> {
    const hash = await this.#ingester.bytes(bytes, 'file')
    const isCompressed = this.#options.isCompressed ?? true
    return { ...like, kind: 'file', mode: 0o100444, size: bytes.length, linkCount: 1, hash, isCompressed }
  }

  async #addFile(
    writer: CatalogWriter,
    { kind, file, entry, stat }: DiskEntry,
    link: LinkGroup | undefined,
    pending: Set<Promise<void>>,
  ): Promise<void> {
    this.#count()
    const linked = link === undefined ? entry : { ...entry, linkCount: link.members, hardlinkGroup: link.group }
    if (kind !== 'file') {
      writer.insert(linked)
      return
    }
    const isCompressed = this.#options.isCompressed ?? true
    const work = this.#ingester
      .file(Buffer.from(file, 'latin1'), Number(stat.size))
      .then((objects) => writer.insert({ ...linked, ...objects, isCompressed }))
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => pending.delete(work))
    pending.add(work)
    if (pending.size >= IN_WORK) await Promise.race(pending)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Removes an entry with all below it. */
  async #remove(working: Working, entry: Entry): Promise<void> {
    const { writer } = working
    const nested = writer.reader.nested.filter(({ path }) => path === entry.path || path.startsWith(`${entry.path}/`))
    for (const one of nested) {
      const inWork = this.#working.get(one.path)
      if (inWork !== undefined) {
        throw new UserError('CVMFS_CHANGES', `${quoteBytes(one.path)} is changed and removed by the same publish`)
      }
      const { statistics } = await this.#revision.catalog(one, this.#options.signal)
      const total = counts((name) => (statistics.get(`self_${name}`) ?? 0) + (statistics.get(`subtree_${name}`) ?? 0))
      working.below = subtractCounts(working.below, total)
      writer.detach(one.path)
    }
    const remove = ({ path, kind, isNestedCatalog }: Entry): void => {
      if (kind === 'directory' && !isNestedCatalog) for (const child of writer.reader.list(path)) remove(child)
      writer.remove(path)
    }
    remove(entry)
  }

  /** Directories that are not there yet, from the top. */
  async #makeDirectories(working: Working, path: string): Promise<void> {
    const entry = working.writer.reader.entry(path)
    if (entry?.kind === 'directory') return
    if (entry !== undefined) {
      throw new UserError('CVMFS_NO_DIRECTORY', `${quoteBytes(path)} is a ${entry.kind}: nothing can be below it`)
    }
    const parent = path.slice(0, path.lastIndexOf('/'))
    await this.#makeDirectories(working, parent)
    working.writer.insert(this.#newDirectory(working.writer.reader.entry(parent)!, path))
    this.#touch(working, parent, 1)
  }

  /** With the owner of the one above it. */
  #newDirectory(above: Entry, path: string): NewEntry {
    const now = { mtime: this.#now, mtimeNanoseconds: undefined }
    return { ...above, ...now, path, mode: 0o40755, linkCount: 2, xattrs: new Map() }
  }

  /** The directory has other contents, and so many more directories among them. */
  #touch({ writer }: Working, path: string, difference: number): void {
    const entry = writer.reader.entry(path)!
    const changed = { ...entry, mtime: this.#now, mtimeNanoseconds: undefined, linkCount: entry.linkCount + difference }
    writer.insert(changed, path === writer.path && path !== '' ? 'root' : 'none')
  }

  async #tags(root: StoredCatalog, revision: number): Promise<Tag[]> {
    const { tag } = this.#options
    const current = { rootCatalog: root.hash, size: root.size, revision, timestamp: this.#now }
    const tags = movedTrunk(await this.#repository.tags(this.#options.signal), current)
    return tag === undefined ? tags : addTag(tags, { ...tag, ...current })
  }

  #count(): void {
    this.#entries++
    if (this.#entries % REPORT_EVERY === 0) {
      this.#options.onProgress?.({ entries: this.#entries, ...this.#ingester.done })
    }
  }

  #newFile(): string {
    return join(this.#scratch, String(this.#files++))
  }
}

const NO_BYTES = new Uint8Array(0)

/** Files that are read and compressed at once; the threads of the process take what they can. */
const IN_WORK = 64
const REPORT_EVERY = 100

function checkPath(path: string): void {
  const parts = path.split('/').slice(1)
  const isGood = path.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (isGood && parts.includes(MARKER)) {
    throw new UserError(
      'CVMFS_RESERVED',
      `${quoteBytes(path)} marks a catalog by its name, and comes and goes with it`,
      {
        hint: 'publish the tree of the directory, with or without the marker',
      },
    )
  }
  if (isGood && parts[0] !== '.cvmfs') return
  throw new UserError('CVMFS_PATH', `${quoteBytes(path)} is no place in a repository`, {
    hint: 'expected a path from the root of the repository: /releases/v1',
  })
}
