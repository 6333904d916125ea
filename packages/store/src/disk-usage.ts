/** What the paths of a store take, by path, by root and by package. */
import { parsePackageName, type StorePath } from '@baryon/format'
import { type DenseGraph, loadDenseGraph } from './dense-graph.ts'
import { diskSize, freedSize, linkedInodes, type Measured, measureTree, type TreeUsage } from './file-usage.ts'
import type { Store } from './store.ts'

export interface UsageOptions {
  /** Only these (valid) paths, and the roots that are one of them; default: everything. */
  readonly paths?: readonly StorePath[]
  /** Called before a path is measured. */
  readonly onPath?: (done: number, total: number) => void
}

/** All sizes in bytes. `narSize` is that of the serialisations; `diskSize` counts a file with several names once. */
export interface StoreUsage {
  readonly paths: readonly PathUsage[]
  /** By what they would free, the most first. */
  readonly roots: readonly RootUsage[]
  /** By disk size, the largest first. */
  readonly packages: readonly PackageUsage[]
  readonly total: Sizes
  /** Of `total`, what no root keeps alive; processes may still do. */
  readonly dead: Sizes
}

export interface Sizes {
  readonly count: number
  readonly narSize: number
  readonly diskSize: number
}

export interface PathUsage {
  readonly path: StorePath
  readonly narSize: number
  readonly diskSize: number
  /** With all that it refers to. */
  readonly closure: Sizes
}

export interface RootUsage {
  readonly path: StorePath
  /** The links that hold it. */
  readonly links: readonly string[]
  readonly closure: Sizes
  /** What a collection would free if these links went: `diskSize` leaves out files that have names elsewhere. */
  readonly freed: Sizes
}

export interface PackageUsage extends Sizes {
  readonly name: string
}

export function measureUsage(store: Store, options: UsageOptions = {}): StoreUsage {
  const graph = loadDenseGraph(store.database)
  const chosen = options.paths?.map((path) => graph.index(store.format(store.pathInfo(path).path))!)
  const shown = chosen ?? graph.paths.map((_, index) => index)
  const roots = findRoots(store, graph)
  const selected = chosen === undefined ? roots : roots.filter(({ index }) => chosen.includes(index))
  const measured = measureAll(
    store,
    graph,
    chosen === undefined ? shown : [...graph.kept([...shown, ...selected.map(({ index }) => index)])],
    options,
  )
  const sizes = (paths: ArrayLike<number>, disk = diskSize) => sizesOf(graph, measured, paths, disk)
  const kept = new Set(graph.kept(roots.map(({ index }) => index)))
  return {
    paths: shown.map((index) => ({
      path: store.parse(graph.paths[index]!),
      narSize: graph.narSizes[index]!,
      diskSize: diskSize(measured, [index]),
      closure: sizes(graph.closure([index])),
    })),
    roots: selected
      .map(({ index, links, onlyHere }) => ({
        path: store.parse(graph.paths[index]!),
        links,
        closure: sizes(graph.closure([index])),
        freed: sizes(onlyHere, freedSize),
      }))
      .sort((a, b) => b.freed.diskSize - a.freed.diskSize),
    packages: byPackage(store, graph, shown)
      .map(([name, paths]) => ({ name, ...sizes(paths) }))
      .sort((a, b) => b.diskSize - a.diskSize),
    total: sizes(shown),
    dead: sizes(
      shown.filter((index) => !kept.has(index)),
      freedSize,
    ),
  }
}

interface RootPath {
  readonly index: number
  readonly links: readonly string[]
  /** What no other root keeps alive. */
  readonly onlyHere: readonly number[]
}

function findRoots(store: Store, graph: DenseGraph): RootPath[] {
  const links = new Map<number, string[]>()
  for (const root of store.findRoots()) {
    const index = graph.index(store.format(root.path))
    if (index === undefined) continue
    const list = links.get(index)
    if (list === undefined) links.set(index, [root.source])
    else list.push(root.source)
  }
  const closures = Array.from(links.keys(), (index) => graph.kept([index]).slice())
  const keepers = new Int32Array(graph.paths.length)
  for (const closure of closures) for (const index of closure) keepers[index]!++
  return Array.from(links, ([index, sources], position) => ({
    index,
    links: sources.sort(),
    onlyHere: [...closures[position]!].filter((path) => keepers[path] === 1),
  }))
}

function measureAll(store: Store, graph: DenseGraph, paths: readonly number[], { onPath }: UsageOptions): Measured {
  const linked = linkedInodes(store)
  const own = new Float64Array(graph.paths.length)
  const shared = new Map<number, TreeUsage['shared']>()
  for (const [done, index] of paths.entries()) {
    onPath?.(done, paths.length)
    const tree = measureTree(store.physicalPath(store.parse(graph.paths[index]!)), linked)
    own[index] = tree.own
    if (tree.shared.size > 0) shared.set(index, tree.shared)
  }
  return { own, shared }
}

function sizesOf(graph: DenseGraph, measured: Measured, paths: ArrayLike<number>, disk: typeof diskSize): Sizes {
  let narSize = 0
  for (let position = 0; position < paths.length; position++) narSize += graph.narSizes[paths[position]!]!
  return { count: paths.length, narSize, diskSize: disk(measured, paths) }
}

function byPackage(store: Store, graph: DenseGraph, paths: readonly number[]): [string, number[]][] {
  const groups = Map.groupBy(paths, (index) => {
    const { name } = store.parse(graph.paths[index]!)
    return name.endsWith('.drv') ? 'derivations' : parsePackageName(name).name
  })
  return [...groups]
}
