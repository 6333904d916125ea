/** Walks over the graph of references. Nothing recurses: chains of references may be of any length. */
import { type StorePath, storePathBaseName, UserError } from '@baryon/format'

/** All paths that can be reached by `next`, the given ones first, in breadth-first order. */
export function closureOf(paths: readonly StorePath[], next: (path: StorePath) => readonly StorePath[]): StorePath[] {
  const closure = new Map(paths.map((path) => [storePathBaseName(path), path]))
  // A Map yields what is added during the iteration.
  for (const path of closure.values()) {
    for (const other of next(path)) {
      const name = storePathBaseName(other)
      if (!closure.has(name)) closure.set(name, other)
    }
  }
  return [...closure.values()]
}

/** Orders items so that each comes behind those of the others that it refers to. Throws `REFERENCE_CYCLE`; a self reference is none. */
export function topologicalOrder<T extends { readonly path: StorePath }>(
  items: readonly T[],
  references: (item: T) => readonly StorePath[],
): T[] {
  const open = new Set<string>()
  const done = new Set<string>()
  const byName = new Map(items.map((item) => [storePathBaseName(item.path), item]))
  const order: T[] = []
  for (const start of byName.keys()) {
    const stack = [start]
    while (stack.length > 0) {
      const name = stack.at(-1)!
      if (done.has(name)) {
        stack.pop()
      } else if (open.has(name)) {
        stack.pop()
        open.delete(name)
        done.add(name)
        order.push(byName.get(name)!)
      } else {
        open.add(name)
        for (const reference of references(byName.get(name)!)) {
          const other = storePathBaseName(reference)
          if (other === name || done.has(other) || !byName.has(other)) continue
          if (open.has(other)) {
            throw new UserError('REFERENCE_CYCLE', `'${other}' and '${name}' refer to each other`, {
              hint: 'merge the outputs, or remove one of the references',
            })
          }
          stack.push(other)
        }
      }
    }
  }
  return order
}
