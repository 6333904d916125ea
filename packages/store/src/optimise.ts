/**
 * Deduplication: files of the store with the same contents become hard links to one, as `nix-store --optimise` does it
 * and in the same `.links` directory (see `link-directory.ts`), so that either program goes on where the other stopped.
 *
 * A file is replaced by one rename of a link that is complete, so a reader sees the old file or the new one, and whoever is
 * killed leaves both. Unlike Nix we compare the bytes before anything is replaced: a link whose contents decayed would
 * take the good copies with it.
 */
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { isSystemError, type StorePath, UserError } from '@baryon/format'
import { nativePath } from './byte-path.ts'
import { haveSameBytes } from './compare-files.ts'
import { linkDirectory, linkName, listLinks } from './link-directory.ts'
import { hashPath } from './nar-tree.ts'
import type { PathLock } from './path-locks.ts'
import { temporaryName } from './placement.ts'
import type { Store } from './store.ts'

export interface OptimiseOptions {
  /** Default: all valid paths. Those that are not valid are passed over. */
  readonly paths?: readonly StorePath[]
  /** Counts what would be linked, and links nothing. */
  readonly dryRun?: boolean
  /** Called before each path. */
  readonly onPath?: (path: string, index: number, total: number) => void
}

export interface OptimiseResult {
  /** Files and symbolic links that were looked at. */
  readonly files: number
  /** Those that became (or would become) links to others. */
  readonly linked: number
  /** Bytes on disk that this freed: blocks of 512 bytes whose last name went. */
  readonly bytes: number
  /** Links with other contents than their names say, which were replaced. */
  readonly damagedLinks: number
  /** Paths that somebody else has in hand: repaired or being built just now. */
  readonly busy: readonly StorePath[]
}

export function optimiseStore(store: Store, options: OptimiseOptions = {}): OptimiseResult {
  const { paths = store.allValidPaths(), dryRun = false, onPath } = options
  const run = new Optimiser(store, dryRun)
  run.loadKnown()
  const busy: StorePath[] = []
  for (const [index, path] of paths.entries()) {
    onPath?.(store.format(path), index, paths.length)
    if (store.isValid(path) && !visitUnderLock(store, run, path)) busy.push(path)
  }
  return { ...run.counts, busy }
}

/**
 * Without the lock a repair could put a new tree there, into which we would then link files of the old one. It is taken
 * when the first file is to be replaced: most paths of a store that was optimised before have none, and a lock takes 1 ms.
 */
function visitUnderLock(store: Store, run: Optimiser, path: StorePath): boolean {
  let lock: PathLock | undefined
  let refused = false
  try {
    run.visit(store.physicalPath(path), undefined, () => {
      if (!refused) lock ??= store.tryLockPaths([path])
      refused = lock === undefined
      return !refused
    })
  } finally {
    lock?.release()
  }
  return !refused
}

/** For paths that were just registered, whose locks may be held: what cannot be linked stays as it is. */
export function optimiseNewPaths(store: Store, paths: readonly StorePath[]): void {
  const run = new Optimiser(store, false)
  for (const path of paths) run.visit(store.physicalPath(path), undefined, () => true)
}

class Optimiser {
  readonly counts = { files: 0, linked: 0, bytes: 0, damagedLinks: 0 }
  readonly #links: string
  readonly #dryRun: boolean
  /** Inodes that are in `.links`: their files need not be read. */
  readonly #known = new Set<number>()
  /** In a dry run: names that would be in `.links`. */
  readonly #planned = new Map<string, number>()
  readonly #temporary: string
  /** The directory that was made writable last. */
  #opened: string | undefined

  constructor(store: Store, dryRun: boolean) {
    this.#links = linkDirectory(store)
    this.#dryRun = dryRun
    const name = temporaryName('tmp')
    this.#temporary = `${store.physicalDirectory}/${name}`
    if (!dryRun) store.addTempRoot({ digest: name.slice(0, 32), name: name.slice(33) })
  }

  /** 3 µs per link, against reading every file that is linked already. */
  loadKnown(): void {
    for (const link of listLinks(this.#links)) {
      const stat = lstatSync(`${this.#links}/${link}`, { throwIfNoEntry: false })
      if (stat !== undefined) this.#known.add(stat.ino)
    }
  }

  /** `parent` is the directory above, or undefined for a top, whose directory is the store itself; `mayReplace` is asked before each replacement. */
  visit(path: string, parent: string | undefined, mayReplace: () => boolean): void {
    const stat = lstatSync(nativePath(path), { throwIfNoEntry: false })
    // Collected meanwhile.
    if (stat === undefined) return
    if (stat.isDirectory()) this.#visitDirectory(path, mayReplace)
    else if (stat.isFile() || stat.isSymbolicLink()) this.#visitFile(path, stat, parent, mayReplace)
  }

  #visitDirectory(path: string, mayReplace: () => boolean): void {
    let names: string[]
    try {
      names = readdirSync(nativePath(path), { encoding: 'latin1' })
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return
      throw error
    }
    for (const name of names.sort()) this.visit(`${path}/${name}`, path, mayReplace)
    // While somebody else has the path in hand, its directories are open for a reason.
    if (this.#dryRun || !isOpen(path) || !mayReplace()) return
    close(path)
    if (this.#opened === path) this.#opened = undefined
  }

  #visitFile(path: string, stat: Stats, parent: string | undefined, mayReplace: () => boolean): void {
    this.counts.files++
    // Somebody works on it, as root perhaps: Nix leaves it alone, too.
    if (stat.isFile() && (stat.mode & 0o200) !== 0) return
    if (this.#known.has(stat.ino)) return
    const name = nameOf(path)
    if (name === undefined) return
    if (this.#dryRun) this.#count(name, stat)
    else this.#link(path, name, stat, parent, mayReplace)
  }

  #count(name: string, stat: Stats): void {
    const existing = this.#planned.get(name) ?? lstatSync(`${this.#links}/${name}`, { throwIfNoEntry: false })?.ino
    this.#planned.set(name, existing ?? stat.ino)
    if (existing !== undefined && existing !== stat.ino) this.#replaced(stat)
  }

  #link(path: string, name: string, stat: Stats, parent: string | undefined, mayReplace: () => boolean): void {
    const link = `${this.#links}/${name}`
    if (this.#isFirst(path, link, stat)) return
    const existing = lstatSync(link, { throwIfNoEntry: false })
    // A collector took it between two looks: the next run links it.
    if (existing === undefined || existing.ino === stat.ino) return
    if (!haveSameContents(path, link, stat, existing)) {
      // The name says that they are equal, so one of them is damaged, and this one was just hashed.
      rmSync(link, { force: true })
      this.counts.damagedLinks++
      this.#isFirst(path, link, stat)
      return
    }
    if (mayReplace() && this.#replace(path, link, stat, parent)) this.#replaced(stat)
  }

  /** True when there is nothing to replace: this file is the first of its kind, or cannot be linked. */
  #isFirst(path: string, link: string, stat: Stats): boolean {
    try {
      linkSync(nativePath(path), link)
      this.#known.add(stat.ino)
      return true
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) return false
      if (isSystemError(error, ...UNLINKABLE)) return true
      throw error
    }
  }

  #replace(path: string, link: string, stat: Stats, parent: string | undefined): boolean {
    try {
      linkSync(link, this.#temporary)
    } catch (error) {
      if (isSystemError(error, ...UNLINKABLE)) return false
      throw error
    }
    let isDone = false
    try {
      if (parent !== undefined && parent !== this.#opened) chmodSync(nativePath(parent), 0o755)
      this.#opened = parent
      const now = lstatSync(nativePath(path))
      if (now.ino !== stat.ino || now.ctimeMs !== stat.ctimeMs) return false
      renameSync(this.#temporary, nativePath(path))
      isDone = true
      return true
    } catch (error) {
      // Some file systems count one link too many during the rename; a path may be collected under our hands.
      if (isSystemError(error, ...UNLINKABLE)) return false
      throw error
    } finally {
      if (!isDone) rmSync(this.#temporary, { force: true })
    }
  }

  #replaced(stat: Stats): void {
    this.counts.linked++
    if (stat.nlink === 1) this.counts.bytes += stat.blocks * 512
  }
}

/** Undefined when the file went away. */
function nameOf(path: string): string | undefined {
  try {
    return linkName(hashPath(nativePath(path)).hash)
  } catch (error) {
    if (error instanceof UserError && isSystemError(error.cause, 'ENOENT')) return undefined
    throw error
  }
}

function haveSameContents(path: string, link: string, a: Stats, b: Stats): boolean {
  if (a.isSymbolicLink() !== b.isSymbolicLink()) return false
  if (a.isSymbolicLink()) return readlinkSync(nativePath(path), 'latin1') === readlinkSync(link, 'latin1')
  return a.size === b.size && ((a.mode ^ b.mode) & 0o111) === 0 && haveSameBytes(nativePath(path), link)
}

function isOpen(path: string): boolean {
  const stat = lstatSync(nativePath(path), { throwIfNoEntry: false })
  return stat !== undefined && ((stat.mode & 0o7777) !== 0o555 || stat.mtimeMs !== 1000)
}

/** Gives a directory back what a replacement (ours, or one that was killed) took: mode 0555 and time stamp 1. */
function close(path: string): void {
  chmodSync(nativePath(path), 0o555)
  lutimesSync(nativePath(path), 1, 1)
}

/** Too many links to one file, a full directory, a file system without links, a file of somebody else; or it is gone. */
const UNLINKABLE = ['EMLINK', 'ENOSPC', 'EPERM', 'EACCES', 'ENOTSUP', 'EXDEV', 'ENOENT'] as const
