import { quoteBytes, UserError } from '@baryon/format'
import { TreeAttacher } from './attach-tree.ts'
import { isNoName } from './catalog-row.ts'
import { addCounts, type Counts, type NewEntry, type StoredCatalog } from './catalog-writer.ts'
import { type Dirtab, parseDirtab } from './dirtab.ts'
import type { Entry } from './entry.ts'
import { CHUNK_SIZES } from './find-cuts.ts'
import type { Tag } from './history.ts'
import { createIngester, type Ingester } from './ingest.ts'
import { nextCertificate } from './next-certificate.ts'
import type { Change, PublishOptions, PublishResult } from './publish.ts'
import type { Repository } from './repository.ts'
import type { Revision } from './revision.ts'
import { storedMetainfo } from './stored-metainfo.ts'
import { addTag, movedTrunk } from './tags.ts'
import { DIRTAB, diskEntry, MARKER, readDirtab } from './tree-source.ts'
import { TreeWriter } from './tree-writer.ts'
import { type Working, WorkingCatalogs } from './working-catalogs.ts'
import { writeRevision } from './write-revision.ts'

/** Changes of one revision, which become another one together. */
export class Transaction {
  readonly #options: PublishOptions
  readonly #repository: Repository
  readonly #revision: Revision
  readonly #scratch: string
  readonly #ingester: Ingester
  readonly #catalogs: WorkingCatalogs
  readonly #trees: TreeWriter
  readonly #attacher: TreeAttacher
  readonly #now: number
  /** Directories that were not asked for, but are above what was. */
  readonly #made: string[] = []
  #entries = 0
  #nextReport = REPORT_EVERY

  /** `scratch` is a directory for files in work, of this transaction alone. */
  constructor(options: PublishOptions, repository: Repository, revision: Revision, scratch: string) {
    this.#options = options
    this.#repository = repository
    this.#revision = revision
    this.#scratch = scratch
    this.#now = Math.floor((options.now ?? Date.now()) / 1000)
    const { manifest } = repository
    const { signal, isCompressed = true, algorithm = manifest.rootCatalog.algorithm } = options
    this.#ingester = createIngester(options.storage, { algorithm, isCompressed, chunkSizes: CHUNK_SIZES })
    this.#catalogs = new WorkingCatalogs({
      ...{ revision, scratch, signal, rootHash: manifest.rootCatalog, ttl: manifest.ttl },
      ...{ ingester: this.#ingester, now: this.#now },
    })
    this.#trees = new TreeWriter({
      ...{ owner: options.owner, readXattrs: options.readXattrs, isCompressed, signal },
      ...{ catalogs: this.#catalogs, ingester: this.#ingester, onEntry: () => this.#count(1) },
    })
    this.#attacher = new TreeAttacher({
      ...{ prepared: options.preparedCatalogs, owner: options.owner, readXattrs: options.readXattrs },
      ...{ storage: options.storage, catalogs: this.#catalogs, trees: this.#trees },
      ...{ algorithm, isCompressed, scratch, signal, onEntries: (count) => this.#count(count) },
    })
  }

  get hasChanges(): boolean {
    return !this.#catalogs.isEmpty
  }

  nothing(): PublishResult {
    return { manifest: this.#repository.manifest, catalogs: 0, ...this.#done() }
  }

  async apply(change: Change): Promise<void> {
    const { at } = change
    if (at === '' && change.kind === 'tree') return this.#replaceRoot(change)
    checkPath(at)
    if (await this.#isThere(change)) return
    const above = parentOf(at)
    if (change.kind !== 'remove') await this.#makeDirectories(above)
    const working = await this.#catalogs.of(above)
    const former = working.writer.reader.entry(at)
    if (former === undefined && change.kind === 'remove') {
      throw new UserError('CVMFS_NO_ENTRY', `there is nothing at ${quoteBytes(at)} to remove`)
    }
    if (former !== undefined) await this.#remove(working, former)
    const isDirectory = change.kind === 'remove' ? false : await this.#put(working, change)
    this.#touch(working, above, (isDirectory ? 1 : 0) - (former?.kind === 'directory' ? 1 : 0))
  }

  /** Whether the change would change nothing, as far as that is known without reading contents. */
  async #isThere(change: Change): Promise<boolean> {
    if (change.kind === 'remove') return false
    if (change.kind === 'link') {
      const there = await this.#catalogs.current(change.at)
      return there?.kind === 'symlink' && there.target === change.target
    }
    return (change.kind === 'catalog' || change.isImmutable === true) && (await this.#catalogs.has(change.at))
  }

  /** Everything but the manifest is in the storage before it. */
  async commit(): Promise<PublishResult> {
    const { storage, privateKey, certificate } = this.#options
    const { manifest: last } = this.#repository
    const revision = last.revision + 1
    await this.#applyDirtab()
    const root = await this.#catalogs.storeAll(revision)
    const manifest = await writeRevision(
      {
        ...{ storage, privateKey, ingester: this.#ingester, scratch: this.#scratch, now: this.#now },
        last: { ...last, metainfo: await storedMetainfo(this.#repository, this.#ingester) },
        certificate: await nextCertificate(this.#repository, this.#ingester, certificate),
      },
      { rootCatalog: root.hash, rootCatalogSize: root.size, revision, tags: await this.#tags(root, revision) },
    )
    return { manifest, catalogs: this.#catalogs.stored, ...this.#done() }
  }

  /** Closes what an error left open. */
  close(): void {
    this.#catalogs.close()
    this.#ingester.close()
  }

  async #replaceRoot({ from }: Extract<Change, { readonly kind: 'tree' }>): Promise<void> {
    const working = await this.#catalogs.of('')
    const top = diskEntry(Buffer.from(from, 'utf8').toString('latin1'), '', this.#options)
    if (top.kind !== 'directory') throw new UserError('CVMFS_NO_DIRECTORY', `'${from}' is a ${top.kind}, not a tree`)
    for (const entry of working.writer.reader.list('')) await this.#remove(working, entry)
    const isCatalog = readDirtab(from)?.matches
    working.below = addCounts(working.below, await this.#trees.add(working.writer, top, { isCatalog }))
  }

  /** Tells whether it is a directory. */
  async #put(working: Working, change: Exclude<Change, { readonly kind: 'remove' }>): Promise<boolean> {
    const { writer } = working
    const { at } = change
    const add = (below: Counts): void => {
      working.below = addCounts(working.below, below)
    }
    if (change.kind === 'tree') {
      const top = diskEntry(Buffer.from(change.from, 'utf8').toString('latin1'), at, this.#options)
      // What is immutable has the same catalogs everywhere.
      const dirtab = change.isImmutable === true ? undefined : await this.#currentDirtab()
      const read = () => this.#trees.add(writer, top, { ...change, isCatalog: dirtab?.matches })
      const isPrepared = change.isImmutable === true && change.isNested === true && top.kind === 'directory'
      add(isPrepared ? await this.#attacher.add(writer, change, read) : await read())
      return top.kind === 'directory'
    }
    const directory = this.#newDirectory(writer.reader.entry(parentOf(at))!, at)
    if (change.kind === 'catalog') {
      add(await this.#trees.addCatalog(writer, directory))
      return true
    }
    if (change.kind === 'link') {
      const { target } = change
      writer.insert({ ...directory, kind: 'symlink', mode: 0o120777, linkCount: 1, size: target.length, target })
    } else writer.insert(await this.#trees.fileEntry(directory, change.bytes()))
    this.#count(1)
    return false
  }

  /** Removes an entry with all below it. */
  async #remove(working: Working, entry: Entry): Promise<void> {
    const { writer } = working
    await this.#catalogs.detachBelow(working, entry.path)
    const remove = ({ path, kind, isNestedCatalog }: Entry): void => {
      if (kind === 'directory' && !isNestedCatalog) for (const child of writer.reader.list(path)) remove(child)
      writer.remove(path)
    }
    remove(entry)
  }

  /** Directories that are not there yet, from the top. */
  async #makeDirectories(path: string): Promise<void> {
    const entry = await this.#catalogs.current(path)
    if (entry?.kind === 'directory') return
    if (entry !== undefined) {
      throw new UserError('CVMFS_NO_DIRECTORY', `${quoteBytes(path)} is a ${entry.kind}: nothing can be below it`)
    }
    const above = parentOf(path)
    await this.#makeDirectories(above)
    const working = await this.#catalogs.of(above)
    working.writer.insert(this.#newDirectory(working.writer.reader.entry(above)!, path))
    this.#made.push(path)
    this.#touch(working, above, 1)
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

  /** Directories that were made, and when the dirtab is another one those that are there already, get catalogs as well. */
  async #applyDirtab(): Promise<void> {
    const [former, entry] = [await this.#revision.entry(DIRTAB), await this.#catalogs.current(DIRTAB)]
    const isNew = former?.hash?.hex !== entry?.hash?.hex
    if (!isNew && this.#made.length === 0) return
    const dirtab = await this.#currentDirtab()
    if (dirtab === undefined) return
    const paths = isNew ? await this.#catalogs.directories(dirtab.rules) : this.#made
    for (const path of paths) if (dirtab.matches(path)) await this.#nest(path)
  }

  async #nest(path: string): Promise<void> {
    const working = await this.#catalogs.split(path)
    const marker = `${path}/${MARKER}`
    if (working === undefined || working.writer.reader.entry(marker) !== undefined) return
    const directory = working.writer.reader.entry(path)!
    working.writer.insert(await this.#trees.fileEntry({ ...directory, path: marker }, NO_BYTES))
  }

  async #currentDirtab(): Promise<Dirtab | undefined> {
    const entry = await this.#catalogs.current(DIRTAB)
    if (entry?.kind !== 'file') return undefined
    const pieces: Buffer[] = []
    for await (const piece of this.#revision.read(entry, this.#options.signal)) pieces.push(Buffer.from(piece))
    return parseDirtab(Buffer.concat(pieces).toString('latin1'))
  }

  async #tags(root: StoredCatalog, revision: number): Promise<Tag[]> {
    const { tag, signal } = this.#options
    const current = { rootCatalog: root.hash, size: root.size, revision, timestamp: this.#now }
    const tags = movedTrunk(await this.#repository.tags(signal), current)
    return tag === undefined ? tags : addTag(tags, { ...tag, ...current })
  }

  #count(entries: number): void {
    this.#entries += entries
    if (this.#entries < this.#nextReport) return
    this.#nextReport = this.#entries + REPORT_EVERY
    this.#options.onProgress?.(this.#done())
  }

  #done(): Omit<PublishResult, 'manifest' | 'catalogs'> {
    const [{ plain, stored, objects }, copied] = [this.#ingester.done, this.#attacher.done]
    return {
      ...{ entries: this.#entries, plain, attached: copied.attached },
      ...{ stored: stored + copied.bytes, objects: objects + copied.objects },
    }
  }
}

const REPORT_EVERY = 100
const NO_BYTES = new Uint8Array(0)

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function checkPath(path: string): void {
  if (
    !PATH.test(path) ||
    path.split('/').slice(1).some(isNoName) ||
    path === '/.cvmfs' ||
    path.startsWith('/.cvmfs/')
  ) {
    throw new UserError('CVMFS_PATH', `${quoteBytes(path)} is no place in a repository`, {
      hint: 'expected a path from the root of the repository, of names of at most 255 bytes: /releases/v1',
    })
  }
  if (path.includes(MARKER) && path.split('/').includes(MARKER)) {
    throw new UserError(
      'CVMFS_RESERVED',
      `${quoteBytes(path)} marks a catalog by its name, and comes and goes with it`,
      { hint: 'publish the tree of the directory, with or without the marker' },
    )
  }
}

/** Names behind slashes, none of which is empty, `.` or `..`. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/
