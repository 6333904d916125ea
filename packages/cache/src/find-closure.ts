import { type Narinfo, type StorePath, storePathBaseName } from '@baryon/format'
import { pathMissing } from './cache-error.ts'
import type { CacheLookup } from './look-up.ts'

export interface FoundPath {
  readonly narinfo: Narinfo
  readonly lookup: CacheLookup
}

/** The caches in the order in which they are asked: lower priority first, else as they were given. */
export function byPriority(lookups: readonly CacheLookup[]): CacheLookup[] {
  return [...lookups].sort((a, b) => a.priority - b.priority)
}

/**
 * Everything that must be copied to have the paths, by base name: level by level, each level asked for at once. `isPresent`
 * says what need not be copied. Throws `CACHE_PATH_MISSING` when no cache has a part of it.
 */
export async function findClosure(
  lookups: readonly CacheLookup[],
  paths: readonly StorePath[],
  isPresent: (path: StorePath) => boolean,
  signal?: AbortSignal,
): Promise<Map<string, FoundPath>> {
  const found = new Map<string, FoundPath>()
  let level = unique(paths).filter((path) => !isPresent(path))
  while (level.length > 0) {
    let missing = level
    for (const lookup of lookups) {
      if (missing.length === 0) break
      const narinfos = await lookup.find(missing, signal)
      for (const [base, narinfo] of narinfos) found.set(base, { narinfo, lookup })
      missing = missing.filter((path) => !narinfos.has(storePathBaseName(path)))
    }
    const [first] = missing
    if (first !== undefined)
      throw pathMissing(
        first,
        lookups.map(({ cache }) => cache.name),
      )
    const next = level.flatMap((path) => found.get(storePathBaseName(path))!.narinfo.references)
    level = unique(next).filter((path) => !found.has(storePathBaseName(path)) && !isPresent(path))
  }
  return found
}

function unique(paths: readonly StorePath[]): StorePath[] {
  return [...new Map(paths.map((path) => [storePathBaseName(path), path])).values()]
}
