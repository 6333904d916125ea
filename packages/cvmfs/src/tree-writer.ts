import { addCounts, type CatalogWriter, type Counts, type NewEntry, NO_COUNTS } from './catalog-writer.ts'
import type { Ingester } from './ingest.ts'
import { type LinkGroup, LinkGroups } from './link-groups.ts'
import { type DiskEntry, hasMarker, listDirectory, MARKER, type TreeOptions } from './tree-source.ts'
import type { WorkingCatalogs } from './working-catalogs.ts'

export interface TreeWriterOptions extends TreeOptions {
  readonly catalogs: WorkingCatalogs
  readonly ingester: Ingester
  readonly isCompressed: boolean
  readonly signal: AbortSignal | undefined
  /** Called for each entry. */
  readonly onEntry: () => void
}

/** Where catalogs of their own begin in a tree, beside the directories that are marked. */
export interface Nesting {
  /** The top, when it is a directory, gets one, marked or not. */
  readonly isNested?: boolean
  /** Contents of its marker, where the tree has none; default: nothing. Clients do not look at them. Asked for when they are needed. */
  readonly marker?: (() => Uint8Array) | undefined
  /** Other directories that get one, by their paths in the repository. */
  readonly isCatalog?: ((path: string) => boolean) | undefined
}

/** Writes trees on disk into catalogs, and their contents into the storage. */
export class TreeWriter {
  readonly #options: TreeWriterOptions
  /** Of work that nobody waited for. */
  #failure: unknown

  constructor(options: TreeWriterOptions) {
    this.#options = options
  }

  /** Adds what is at `top` to a catalog, and gives the counts of nested catalogs that came with it. */
  async add(writer: CatalogWriter, top: DiskEntry, nesting: Nesting): Promise<Counts> {
    const { isNested = false, marker, isCatalog } = nesting
    const { signal, onEntry } = this.#options
    const begins = (directory: DiskEntry): boolean => hasMarker(directory) || isCatalog?.(directory.entry.path) === true
    let below = NO_COUNTS
    const pending = new Set<Promise<void>>()
    const groups = new LinkGroups(writer.lastHardlinkGroup())
    const visit = async (directory: DiskEntry, isTop: boolean): Promise<void> => {
      const children = listDirectory(directory, this.#options)
      const linkCount = 2 + children.filter(({ kind }) => kind === 'directory').length
      writer.insert({ ...directory.entry, linkCount }, isTop && writer.path !== '' ? 'root' : 'none')
      onEntry()
      const links = groups.of(children)
      for (const child of children) {
        signal?.throwIfAborted()
        if (child.kind !== 'directory') {
          await this.#addFile(writer, child, links.get(child), pending)
        } else if (begins(child)) {
          below = addCounts(below, await this.#addNested(writer, child, { isCatalog }))
        } else {
          await visit(child, false)
        }
      }
    }
    try {
      if (top.kind !== 'directory') await this.#addFile(writer, top, undefined, pending)
      else if (writer.path !== top.entry.path && (isNested || begins(top)))
        below = await this.#addNested(writer, top, { marker, isCatalog })
      else await visit(top, writer.path === top.entry.path)
    } finally {
      await Promise.all(pending)
    }
    if (this.#failure !== undefined) throw this.#failure
    return below
  }

  /** A catalog of its own below `parent`, with the directory as its root; gives its counts, with those of all below it. */
  async addCatalog(
    parent: CatalogWriter,
    directory: NewEntry,
    fill?: (writer: CatalogWriter) => Promise<{ readonly below: Counts; readonly isMarked: boolean }>,
    marker?: () => Uint8Array,
  ): Promise<Counts> {
    const { catalogs } = this.#options
    const made = catalogs.create(directory.path)
    const { writer } = made
    if (fill === undefined) writer.insert(directory, 'root')
    const { below, isMarked } = (await fill?.(writer)) ?? { below: NO_COUNTS, isMarked: false }
    // The tools of CVMFS want one where a catalog begins.
    if (!isMarked) {
      const path = `${directory.path}/${MARKER}`
      writer.insert(await this.fileEntry({ ...directory, path }, marker?.() ?? NO_BYTES))
    }
    const mountpoint = writer.reader.entry(directory.path)!
    const stored = await catalogs.store(made, below)
    parent.attach(stored)
    parent.insert(mountpoint, 'mountpoint')
    return stored.counts
  }

  /** A file with the owner and the time of a directory, whose contents are stored. */
  async fileEntry(like: NewEntry, bytes: Uint8Array): Promise<NewEntry> {
    const { ingester, isCompressed } = this.#options
    const hash = await ingester.bytes(bytes, 'file')
    const own = { kind: 'file', mode: 0o100444, size: bytes.length, linkCount: 1, xattrs: NO_XATTRS } as const
    return { ...like, ...own, hash, isCompressed }
  }

  #addNested(parent: CatalogWriter, top: DiskEntry, { marker, isCatalog }: Nesting): Promise<Counts> {
    const fill = async (writer: CatalogWriter) => {
      return { below: await this.add(writer, top, { isCatalog }), isMarked: hasMarker(top) }
    }
    return this.addCatalog(parent, top.entry, fill, marker)
  }

  async #addFile(
    writer: CatalogWriter,
    { kind, file, entry, stat }: DiskEntry,
    link: LinkGroup | undefined,
    pending: Set<Promise<void>>,
  ): Promise<void> {
    const { ingester, isCompressed, onEntry } = this.#options
    onEntry()
    const linked = link === undefined ? entry : { ...entry, linkCount: link.members, hardlinkGroup: link.group }
    if (kind !== 'file') {
      writer.insert(linked)
      return
    }
    const work = ingester
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
}

const NO_XATTRS: ReadonlyMap<string, string> = new Map()
const NO_BYTES = new Uint8Array(0)

/** Files that are read and compressed at once; the threads of the process take what they can. */
const IN_WORK = 64
