/** Why a path is in a closure: the references that lead to it. */
import { type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'

export interface DependencyEdge {
  readonly from: StorePath
  readonly to: StorePath
}

/** The edges of one shortest chain from `top` to `target`, in order; the first by name of several. None when there is no way. */
export function shortestChain(store: Store, top: StorePath, target: StorePath): DependencyEdge[] {
  const distances = distancesTo(store, top, target)
  const chain: DependencyEdge[] = []
  if (!distances.has(storePathBaseName(top))) return chain
  for (let from = top; chain.length === 0 || !isSame(from, target); from = chain.at(-1)!.to) {
    const next = nearestFirst(store, from, distances)[0]
    // The target itself, which does not refer to itself.
    if (next === undefined) break
    chain.push({ from, to: next })
  }
  return chain
}

/** Every edge on a way from `top` to `target`, in the order in which a walk that goes the shorter ways first meets them. */
export function allEdges(store: Store, top: StorePath, target: StorePath): DependencyEdge[] {
  const distances = distancesTo(store, top, target)
  const edges: DependencyEdge[] = []
  const seen = new Set<string>()
  const stack = distances.has(storePathBaseName(top)) ? [top] : []
  for (let from = stack.pop(); from !== undefined; from = stack.pop()) {
    const name = storePathBaseName(from)
    if (seen.has(name) || (isSame(from, target) && !isSame(top, target))) continue
    seen.add(name)
    const next = nearestFirst(store, from, distances)
    for (const to of next) edges.push({ from, to })
    stack.push(...next.reverse())
  }
  return edges
}

/** Steps from each path of the closure of `top` to `target`, for those from which there is a way. */
function distancesTo(store: Store, top: StorePath, target: StorePath): Map<string, number> {
  const referrers = new Map<string, StorePath[]>()
  for (const path of store.computeClosure([top])) {
    for (const reference of store.pathInfo(path).references) {
      const name = storePathBaseName(reference)
      const list = referrers.get(name)
      if (list === undefined) referrers.set(name, [path])
      else list.push(path)
    }
  }
  const distances = new Map<string, number>()
  if (!referrers.has(storePathBaseName(target)) && !isSame(top, target)) return distances
  distances.set(storePathBaseName(target), 0)
  const queue = [target]
  for (const path of queue) {
    const distance = distances.get(storePathBaseName(path))! + 1
    for (const referrer of referrers.get(storePathBaseName(path)) ?? []) {
      const name = storePathBaseName(referrer)
      if (distances.has(name)) continue
      distances.set(name, distance)
      queue.push(referrer)
    }
  }
  return distances
}

function nearestFirst(store: Store, from: StorePath, distances: ReadonlyMap<string, number>): StorePath[] {
  const distance = (path: StorePath) => distances.get(storePathBaseName(path)) ?? Number.POSITIVE_INFINITY
  // A path that refers to itself says nothing, unless that is what was asked.
  const isStep = (path: StorePath) => !isSame(path, from) || distance(from) === 0
  return store
    .pathInfo(from)
    .references.filter((path) => Number.isFinite(distance(path)) && isStep(path))
    .sort((a, b) => distance(a) - distance(b))
}

function isSame(a: StorePath, b: StorePath): boolean {
  return storePathBaseName(a) === storePathBaseName(b)
}
