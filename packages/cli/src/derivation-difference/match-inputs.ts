import { parsePackageName } from '@baryon/format'

export interface MatchedInputs {
  /** Also those that are the same on both sides. */
  readonly pairs: readonly (readonly [first: string, second: string])[]
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/**
 * Finds which path of one side stands for which of the other: by identity, by name, and else by the name of the package
 * whatever its version. Of several with one name the order decides in which each side mentions them.
 */
export function matchInputs(
  first: readonly string[],
  second: readonly string[],
  place: { readonly first: (path: string) => number; readonly second: (path: string) => number },
): MatchedInputs {
  const pairs: (readonly [string, string])[] = []
  const here = new Set(second)
  let removed = first.filter((path) => !here.delete(path) || void pairs.push([path, path]))
  let added = [...here]
  for (const keyOf of [nameOf, packageOf]) {
    const waiting = grouped(ordered(added, place.second), keyOf)
    const left: string[] = []
    for (const path of ordered(removed, place.first)) {
      const partner = waiting.get(keyOf(path))?.shift()
      if (partner === undefined) left.push(path)
      else pairs.push([path, partner])
    }
    removed = left
    added = [...waiting.values()].flat()
  }
  return { pairs, removed, added: added.sort() }
}

/** The name in a store path: what follows the digest. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 34)
}

function packageOf(path: string): string {
  const name = nameOf(path)
  const suffix = name.endsWith('.drv') ? '.drv' : ''
  return parsePackageName(name.slice(0, name.length - suffix.length)).name + suffix
}

function ordered(paths: readonly string[], place: (path: string) => number): readonly string[] {
  return paths.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
}

function grouped(paths: readonly string[], keyOf: (path: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const path of paths) {
    const key = keyOf(path)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [path])
    else group.push(path)
  }
  return groups
}
