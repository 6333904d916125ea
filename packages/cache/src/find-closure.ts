import { type Narinfo, type StorePath, storePathBaseName } from '@baryon/format'
import { pathMissing } from './cache-error.ts'
import type { PathFinder } from './look-up.ts'

export interface FoundPath<F extends PathFinder = PathFinder> {
  readonly narinfo: Narinfo
  readonly finder: F
}

/** Caches and the like in the order in which they are asked: lower priority first, else as they were given. */
export function byPriority<F extends PathFinder>(finders: readonly F[]): F[] {
  return [...finders].sort((a, b) => a.priority - b.priority)
}

/**
 * Everything that must be copied to have the paths, by base name: level by level, each level asked for at once. `isPresent`
 * says what need not be copied. Throws `CACHE_PATH_MISSING` when nobody has a part of it.
 */
export async function findClosure<F extends PathFinder>(
  finders: readonly F[],
  paths: readonly StorePath[],
  isPresent: (path: StorePath) => boolean,
  signal?: AbortSignal,
): Promise<Map<string, FoundPath<F>>> {
  const found = new Map<string, FoundPath<F>>()
  let level = unique(paths).filter((path) => !isPresent(path))
  while (level.length > 0) {
    let missing = level
    for (const finder of finders) {
      if (missing.length === 0) break
      const narinfos = await finder.find(missing, signal)
      for (const [base, narinfo] of narinfos) found.set(base, { narinfo, finder })
      missing = missing.filter((path) => !narinfos.has(storePathBaseName(path)))
    }
    const [first] = missing
    if (first !== undefined)
      throw pathMissing(
        first,
        finders.map(({ name }) => name),
      )
    const next = level.flatMap((path) => found.get(storePathBaseName(path))!.narinfo.references)
    level = unique(next).filter((path) => !found.has(storePathBaseName(path)) && !isPresent(path))
  }
  return found
}

function unique(paths: readonly StorePath[]): StorePath[] {
  return [...new Map(paths.map((path) => [storePathBaseName(path), path])).values()]
}
