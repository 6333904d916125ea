/**
 * Garbage collection, safe while other processes add, build and read.
 *
 * Marking happens without a lock. Deletion goes in groups, each in two write transactions: the first reads roots and
 * processes again and removes the rows of what is still dead; the second, once that is committed, renames the files away
 * (a crash in between leaves files without a row, never a row without files). The slow removal comes last, without a lock.
 * `temp-roots.ts` says why a process that adds a path meanwhile cannot lose it.
 */
import {
  closeSync,
  existsSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, parseBaseName, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import { readOnlyError } from './database.ts'
import { flockDescriptor } from './flock.ts'
import { allRoots, createProtectionReader, isProtected, type Protection } from './live-roots.ts'
import type { LockFile } from './lock-file.ts'
import { loadGraph, type PathGraph } from './path-graph.ts'
import { isTemporaryName, temporaryName } from './placement.ts'
import { removeCounting, removeTree } from './remove-tree.ts'
import { removeStaleRoots, requireRoots } from './roots.ts'
import type { Store } from './store.ts'
import { COLLECTOR_LOCK } from './temp-roots.ts'

export interface CollectOptions {
  /** Says what would be deleted and deletes nothing. */
  readonly dryRun?: boolean
  /** Stop when about so many bytes have been freed. */
  readonly maxFreed?: number
  /** Delete only these, all of which must be dead, else `PATH_ALIVE`. */
  readonly paths?: readonly StorePath[]
  /** A live derivation keeps its outputs. Default false, as in Nix. */
  readonly keepOutputs?: boolean
  /** A live output keeps its derivation. Default true, as in Nix. */
  readonly keepDerivations?: boolean
  /** In a dry run: links that count as removed. */
  readonly ignoredLinks?: ReadonlySet<string>
  readonly onDelete?: (path: string, freed: number) => void
}

export interface CollectResult {
  /** Full texts of what was, or would be, deleted; referrers first. Leftovers that were never valid are included. */
  readonly deleted: readonly string[]
  readonly live: readonly StorePath[]
  /**
   * Freed: of valid paths their NAR sizes, but of an optimised store, where files are shared, what became free on disk,
   * as of leftovers. In a dry run the sum of NAR sizes, leftovers not counted.
   */
  readonly bytes: number
  /** Hard links in `.links` that nothing used any more. */
  readonly links: number
}

export function collectGarbage(store: Store, options: CollectOptions): CollectResult {
  if (options.dryRun === true) return dryRun(store, options)
  if (store.readOnly) throw readOnlyError(store.physicalDirectory)
  // In this order: who sees our lock does not look for a collection by Nix, so none may be running any more.
  const releaseNix = lockOutNix(store)
  let lock: LockFile | undefined
  try {
    lock = store.locks.lock(COLLECTOR_LOCK, LOCK_TIMEOUT)
    removeStaleRoots(store)
    const collection = createCollection(store, options)
    const graph = loadGraph(store.database, store.storeDirectory)
    const live = collection.mark(graph)
    const dead = graph.paths.filter((path) => !live.has(path))
    const chosen = choose(store, dead, options.paths)
    for (const path of chosen) checkPath(store, path)
    const wanted = () => (options.maxFreed ?? Number.POSITIVE_INFINITY) - collection.freed()
    for (const group of groups(graph, graph.referrersFirst(chosen), wanted)) {
      if (collection.full()) break
      collection.deleteGroup(graph, group)
    }
    collection.deleteLeftovers(entries(store, options))
    const links = options.paths === undefined && !collection.full() ? removeUnusedLinks(store, collection) : 0
    store.locks.sweep()
    return {
      deleted: collection.deleted,
      live: [...live].map((path) => store.parse(path)),
      bytes: collection.freed(),
      links,
    }
  } finally {
    lock?.release()
    releaseNix()
  }
}

/** What a damaged database holds may lead anywhere. */
function checkPath(store: Store, path: string): void {
  try {
    store.parse(path)
  } catch (cause) {
    throw new UserError(
      'STORE_CORRUPT',
      `the store database holds ${JSON.stringify(path)}, which is no path of this store`,
      {
        hint: 'see what is wrong with: baryon store verify',
        cause,
      },
    )
  }
}

function dryRun(store: Store, options: CollectOptions): CollectResult {
  const graph = loadGraph(store.database, store.storeDirectory)
  const roots = allRoots(store, requireRoots).roots.filter((root) => !options.ignoredLinks?.has(root.source))
  const rooted = new Set(roots.map((root) => store.format(root.path)))
  const live = graph.closure([...rooted], keep(options))
  const dead = choose(
    store,
    graph.paths.filter((path) => !live.has(path)),
    options.paths,
  )
  const deleted: string[] = []
  let bytes = 0
  const isFull = () => options.maxFreed !== undefined && bytes >= options.maxFreed
  for (const path of graph.referrersFirst(dead)) {
    if (isFull()) break
    deleted.push(path)
    bytes += graph.size(path)
  }
  for (const name of isFull() ? [] : leftovers(store, entries(store, options))) {
    const path = `${store.storeDirectory}/${name}`
    if (!isTemporaryName(name) && !rooted.has(baseOfHelper(path)) && !isInUse(store, name)) deleted.push(path)
  }
  return { deleted, live: [...live].map((path) => store.parse(path)), bytes, links: 0 }
}

function keep(options: CollectOptions): { readonly outputs: boolean; readonly derivations: boolean } {
  return { outputs: options.keepOutputs === true, derivations: options.keepDerivations !== false }
}

function choose(store: Store, dead: readonly string[], wanted: readonly StorePath[] | undefined): readonly string[] {
  if (wanted === undefined) return dead
  const deadSet = new Set(dead)
  const texts = wanted.map((path) => store.format(path))
  const alive = texts.find((path) => !deadSet.has(path) && store.database.id(path) !== undefined)
  if (alive !== undefined)
    throw new UserError('PATH_ALIVE', `'${alive}' is still needed`, {
      hint: 'remove the roots that keep it alive: baryon store roots',
    })
  const chosen = texts.filter((path) => deadSet.has(path))
  for (const path of chosen) {
    const referrer = store.database.referrers(path).find((other) => other !== path && !chosen.includes(other))
    if (referrer !== undefined)
      throw new UserError('PATH_ALIVE', `'${path}' is still needed by '${referrer}'`, {
        hint: 'delete that one as well',
      })
  }
  return chosen
}

interface Collection {
  readonly deleted: readonly string[]
  freed(): number
  full(): boolean
  /** What is kept alive now. */
  mark(graph: PathGraph): Set<string>
  deleteGroup(graph: PathGraph, group: readonly string[]): void
  /** Deletes those entries of the store directory that are no valid paths. */
  deleteLeftovers(names: readonly string[]): void
  addFreed(bytes: number): void
}

function createCollection(store: Store, options: CollectOptions): Collection {
  const readProtection = createProtectionReader(store)
  const deleted: string[] = []
  const prefix = store.storeDirectory.length + 1
  const physical = (path: string) => `${store.physicalDirectory}/${path.slice(prefix)}`
  const mark = (graph: PathGraph, { roots, digests } = readProtection()) =>
    graph.closure([...roots, ...graph.pathsOf(digests)], keep(options))
  const isOptimised = hasEntries(`${store.physicalDirectory}/.links`)
  let freed = 0

  /** Renames what is not valid and not protected; must be in a write transaction. */
  const moveAway = (paths: readonly string[], protection: Protection): (readonly [string, string])[] => {
    const moved: (readonly [string, string])[] = []
    for (const path of paths) {
      if (isProtected(protection, store.storeDirectory, baseOfHelper(path))) continue
      if (store.database.id(path) !== undefined) continue
      const trash = `${store.physicalDirectory}/${temporaryName('trash')}`
      try {
        renameSync(physical(path), trash)
        moved.push([path, trash])
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) throw error
        moved.push([path, ''])
      }
    }
    return moved
  }
  // Asking each file for its size and links takes a third of a collection.
  const removeOne = (trash: string, narSize: number): number => {
    if (narSize === 0 || isOptimised) return removeCounting(trash)
    removeTree(trash)
    return narSize
  }
  const remove = (moved: readonly (readonly [string, string])[], narSize: (path: string) => number) => {
    for (const [path, trash] of moved) {
      const bytes = trash === '' ? 0 : removeOne(trash, narSize(path))
      freed += bytes
      // Our own leftovers are no news to the user.
      if (isTemporaryName(path.slice(prefix))) continue
      deleted.push(path)
      options.onDelete?.(path, bytes)
    }
  }

  return {
    deleted,
    freed: () => freed,
    full: () => options.maxFreed !== undefined && freed >= options.maxFreed,
    addFreed: (bytes) => {
      freed += bytes
    },
    mark,
    deleteGroup: (graph, group) => {
      const invalid: string[] = []
      const protection = store.database.transaction(() => {
        const now = readProtection()
        const live = mark(graph, now)
        for (const path of group) {
          // A new referrer that came after the marking keeps it as well: deletePath refuses then.
          if (!live.has(path) && store.database.deletePath(path)) invalid.push(path)
        }
        return now
      })
      if (invalid.length === 0) return
      const moved = store.database.transaction(() => moveAway(invalid, readProtection(protection)))
      store.positions.remove(invalid.map((path) => store.parse(path)))
      remove(moved, graph.size)
    },
    deleteLeftovers: (names) => {
      const pending = leftovers(store, names)
      while (pending.length > 0) {
        if (options.maxFreed !== undefined && freed >= options.maxFreed) return
        const group = pending.splice(0, GROUP_LEFTOVERS).filter((name) => !isInUse(store, name))
        const paths = group.map((name) => `${store.storeDirectory}/${name}`)
        const moved = store.database.transaction(() => moveAway(paths, readProtection()))
        remove(moved, () => 0)
      }
    },
  }
}

/** Names in the store directory that may be deleted. */
function entries(store: Store, { paths }: CollectOptions): string[] {
  if (paths === undefined) return readdirSync(store.physicalDirectory)
  return paths.filter((path) => lstatSync(store.physicalPath(path), { throwIfNoEntry: false })).map(storePathBaseName)
}

/** Those names that are no valid paths. */
function leftovers(store: Store, names: readonly string[]): string[] {
  const prefix = `${store.storeDirectory}/`
  // One question for all of them: a hundred thousand single ones took a third of a dry run.
  const valid = new Set(store.database.validAmong(names.map((name) => prefix + name)))
  return names.filter((name) => name !== '.links' && !valid.has(prefix + name))
}

/** A path whose lock is held is being built, wherever the builder notes its roots. */
function isInUse(store: Store, name: string): boolean {
  try {
    return store.locks.isLocked(storePathBaseName(parseBaseName(name)))
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

/** Nix keeps `PATH.lock` and `PATH.chroot` beside what it builds. */
function baseOfHelper(path: string): string {
  return path.replace(/\.(lock|chroot|check)$/, '')
}

/** Groups of bounded size and bytes: what a reader that comes in between must wait for stays short, and no more is freed than `wanted`. */
function* groups(graph: PathGraph, paths: readonly string[], wanted: () => number): Generator<string[]> {
  let group: string[] = []
  let bytes = 0
  for (const path of paths) {
    group.push(path)
    bytes += graph.size(path)
    if (group.length < GROUP_PATHS && bytes < Math.min(GROUP_BYTES, wanted())) continue
    yield group
    group = []
    bytes = 0
  }
  if (group.length > 0) yield group
}

/** Without reading all of them: a large store has a million links. */
function hasEntries(directory: string): boolean {
  if (!existsSync(directory)) return false
  const open = opendirSync(directory)
  try {
    return open.readSync() !== null
  } finally {
    open.closeSync()
  }
}

/** `.links` holds one hard link per distinct file of an optimised store; one that is the last is unused. */
function removeUnusedLinks(store: Store, collection: Collection): number {
  const directory = `${store.physicalDirectory}/.links`
  let removed = 0
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const file = `${directory}/${name}`
    const stat = lstatSync(file, { throwIfNoEntry: false })
    if (stat === undefined || stat.isDirectory() || stat.nlink !== 1) continue
    unlinkSync(file)
    collection.addFreed(stat.blocks * 512)
    removed++
  }
  return removed
}

/**
 * Keeps processes of Nix from adding temporary roots that we would not see. Nix 2.8 then connects to a socket of the
 * collector; refused, it tries again until the lock is free. Without the socket's file it would fail, so there is one that nobody serves.
 */
function lockOutNix(store: Store): () => void {
  const fd = openSync(join(store.stateDirectory, 'gc.lock'), 'a', 0o600)
  const socket = join(store.stateDirectory, 'gc-socket/socket')
  if (!existsSync(socket)) leaveDeadSocket(socket)
  flockDescriptor(fd, { wait: true })
  return () => closeSync(fd)
}

function leaveDeadSocket(path: string): void {
  makeDirectories(dirname(path))
  const aside = `${path}.${process.pid}`
  // Longer addresses do not fit into the kernel's structure, for Nix neither.
  if (Buffer.byteLength(aside) > 100) return
  const server = process.getBuiltinModule('node:net').createServer()
  // Reported later, when nobody can use it any more: Nix will say what is wrong with its socket.
  server.on('error', () => undefined)
  server.unref().listen(aside)
  try {
    renameSync(aside, path)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
  server.close()
  rmSync(aside, { force: true })
}

const LOCK_TIMEOUT = 10 * 60 * 1000
/** Each group costs a look at all processes, 0.1 to 0.4 ms for each of them. */
const GROUP_PATHS = 500
const GROUP_LEFTOVERS = 50
const GROUP_BYTES = 1 << 28
