/** The order in which Nix's programs print sets of store paths. */
import { compareStorePaths, type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'

/** Each path behind those that it refers to; among equals by base name. Doubles are dropped. */
export function referencesFirst(store: Store, paths: readonly StorePath[]): StorePath[] {
  const items = new Map(paths.map((path) => [storePathBaseName(path), path]))
  const order: StorePath[] = []
  const seen = new Set<string>()
  const stack: { readonly path: StorePath; readonly next: Iterator<StorePath> }[] = []
  const enter = (path: StorePath): void => {
    const name = storePathBaseName(path)
    if (seen.has(name)) return
    seen.add(name)
    stack.push({ path, next: store.pathInfo(path).references.values() })
  }
  for (const start of [...items.values()].sort(compareStorePaths)) {
    enter(start)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { value, done } = top.next.next()
      if (done === true) {
        order.push(top.path)
        stack.pop()
      } else if (items.has(storePathBaseName(value))) enter(value)
    }
  }
  return order
}
