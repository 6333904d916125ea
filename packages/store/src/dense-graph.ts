/**
 * The graph of references with paths as small numbers and edges in flat arrays, so that the closure of every path of a store
 * can be looked at: 4 ns per edge against 50 ns with lists and sets.
 */
import type { StoreDatabase } from './database.ts'

export interface DenseGraph {
  /** Full texts, sorted; the numbers below are indices into this. */
  readonly paths: readonly string[]
  readonly narSizes: Float64Array
  index(path: string): number | undefined
  /** The paths and all that they refer to. The result is valid until the next call of either function. */
  closure(paths: Iterable<number>): Int32Array
  /** All that a collector (with its default settings) leaves alone when these are roots: derivers as well. */
  kept(roots: Iterable<number>): Int32Array
}

export function loadDenseGraph(database: StoreDatabase): DenseGraph {
  const rows = database.allRows()
  const byId = new Map(rows.map((row, index) => [row.id, index]))
  const byPath = new Map(rows.map((row, index) => [row.path, index]))
  const references: number[][] = rows.map(() => [])
  for (const { referrer, reference } of database.allReferences()) {
    const [from, to] = [byId.get(referrer), byId.get(reference)]
    // A row that refers to a missing one is for `verify` to tell of.
    if (from !== undefined && to !== undefined) references[from]!.push(to)
  }
  const derivers = validDerivers(database, rows, byId, byPath)
  const withDerivers = references.map((list, index) => {
    const deriver = derivers.get(index)
    return deriver === undefined ? list : [...list, deriver]
  })
  const walk = createWalk(rows.length)
  const [plain, keeping] = [flatten(references), flatten(withDerivers)]
  return {
    paths: rows.map((row) => row.path),
    narSizes: Float64Array.from(rows, (row) => row.narSize ?? 0),
    index: (path) => byPath.get(path),
    closure: (paths) => walk(paths, plain),
    kept: (roots) => walk(roots, keeping),
  }
}

interface Edges {
  /** The edges of `i` are `targets[starts[i]]` up to, without, `targets[starts[i + 1]]`. */
  readonly starts: Int32Array
  readonly targets: Int32Array
}

function flatten(lists: readonly (readonly number[])[]): Edges {
  const starts = new Int32Array(lists.length + 1)
  for (const [index, list] of lists.entries()) starts[index + 1] = starts[index]! + list.length
  return { starts, targets: Int32Array.from(lists.flat()) }
}

function createWalk(count: number): (starts: Iterable<number>, edges: Edges) => Int32Array {
  const found = new Int32Array(count)
  // A mark that grows instead of a set that is cleared.
  const marks = new Int32Array(count)
  let mark = 0
  return (tops, { starts, targets }) => {
    mark++
    let length = 0
    for (const index of tops) {
      if (marks[index] === mark) continue
      marks[index] = mark
      found[length++] = index
    }
    for (let next = 0; next < length; next++) {
      const end = starts[found[next]! + 1]!
      for (let edge = starts[found[next]!]!; edge < end; edge++) {
        const index = targets[edge]!
        if (marks[index] === mark) continue
        marks[index] = mark
        found[length++] = index
      }
    }
    return found.subarray(0, length)
  }
}

/** Only a deriver that has the path as an output keeps alive with it, as in a collection. */
function validDerivers(
  database: StoreDatabase,
  rows: readonly { readonly path: string; readonly deriver: string | null }[],
  byId: ReadonlyMap<number, number>,
  byPath: ReadonlyMap<string, number>,
): Map<number, number> {
  const derivers = new Map<number, number>()
  for (const { drv, path } of database.allDerivationOutputs()) {
    const [index, deriver] = [byPath.get(path), byId.get(drv)]
    if (index === undefined || deriver === undefined) continue
    if (rows[index]!.deriver === rows[deriver]!.path) derivers.set(index, deriver)
  }
  return derivers
}
