/** The whole graph of a store in memory, as marking and verifying need it: one query per table instead of three per path. */
import type { StoreDatabase } from './database.ts'

export interface PathGraph {
  /** Full texts, sorted. */
  readonly paths: readonly string[]
  /** Bytes of the NAR. */
  size(path: string): number
  /** The paths with these digests. */
  pathsOf(digests: ReadonlySet<string>): string[]
  /** What is kept alive by these paths; unknown ones among them are ignored. */
  closure(paths: readonly string[], keep: { readonly outputs: boolean; readonly derivations: boolean }): Set<string>
  /** Orders paths so that each comes before those that it refers to. */
  referrersFirst(paths: readonly string[]): string[]
}

export function loadGraph(database: StoreDatabase, storeDirectory: string): PathGraph {
  const prefix = storeDirectory.length + 1
  const rows = database.allNodes()
  const byId = new Map(rows.map((row) => [row.id, row]))
  let byDigest: Map<string, string> | undefined
  const byPath = new Map(rows.map((row) => [row.path, row]))
  const references = group(
    database.allReferences(),
    (entry) => entry.referrer,
    (entry) => entry.reference,
  )
  const outputs = group(
    database.allDerivationOutputs(),
    (entry) => entry.drv,
    (entry) => entry.path,
  )
  return {
    paths: rows.map((row) => row.path),
    pathsOf: (digests) => {
      byDigest ??= new Map(rows.map(({ path }) => [path.slice(prefix, prefix + 32), path]))
      return [...digests].flatMap((digest) => byDigest!.get(digest) ?? [])
    },
    size: (path) => byPath.get(path)?.narSize ?? 0,
    closure: (paths, keep) => {
      const closure = new Set(paths.filter((path) => byPath.has(path)))
      for (const path of closure) {
        const row = byPath.get(path)!
        for (const id of references.get(row.id) ?? []) {
          const reference = byId.get(id)
          if (reference !== undefined) closure.add(reference.path)
        }
        if (keep.outputs) for (const output of outputs.get(row.id) ?? []) if (byPath.has(output)) closure.add(output)
        const deriver = keep.derivations && row.deriver !== null ? byPath.get(row.deriver) : undefined
        // Only a deriver that has the path as an output: another one made it equal by chance, and Nix lets it go.
        if (deriver !== undefined && outputs.get(deriver.id)?.includes(path)) closure.add(deriver.path)
      }
      return closure
    },
    referrersFirst: (paths) => {
      const wanted = new Set(paths)
      const order: string[] = []
      const state = new Map<string, 'open' | 'done'>()
      for (const start of wanted) {
        const stack = [start]
        while (stack.length > 0) {
          const path = stack.at(-1)!
          const known = state.get(path)
          if (known !== undefined) {
            stack.pop()
            if (known === 'open') order.push(path)
            state.set(path, 'done')
            continue
          }
          state.set(path, 'open')
          for (const id of references.get(byPath.get(path)!.id) ?? []) {
            const reference = byId.get(id)?.path
            if (reference !== undefined && wanted.has(reference) && !state.has(reference)) stack.push(reference)
          }
        }
      }
      return order.reverse()
    },
  }
}

function group<T, V>(items: readonly T[], key: (item: T) => number, value: (item: T) => V): Map<number, V[]> {
  const groups = new Map<number, V[]>()
  for (const item of items) {
    const existing = groups.get(key(item))
    if (existing === undefined) groups.set(key(item), [value(item)])
    else existing.push(value(item))
  }
  return groups
}
