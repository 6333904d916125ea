import { inParallel } from '@baryon/cvmfs'
import {
  type CacheInfo,
  formatCacheInfo,
  type Narinfo,
  parseCacheInfo,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { BinaryCache } from './binary-cache.ts'
import type { LookupCache } from './lookup-cache.ts'
import { checkTrust, type Trust } from './trust.ts'

/** A place to find paths in. */
export interface PathFinder {
  /** For messages. */
  readonly name: string
  /** Lower is asked first. */
  readonly priority: number
  /** What it has of these, by base name; asks for many at once. What is not trusted, or damaged, is left out. */
  find(paths: readonly StorePath[], signal?: AbortSignal): Promise<Map<string, Narinfo>>
}

/** A cache as such a place. What is left out is reported. */
export interface CacheLookup extends PathFinder {
  readonly cache: BinaryCache
  /** Drops what is remembered of the path, which turned out to be wrong. */
  forget(path: StorePath): void
}

export interface LookupOptions {
  readonly trust: Trust
  readonly lookups?: LookupCache | undefined
  /** Told why a path that the cache has is not taken. */
  readonly onRefusal?: (error: UserError) => void
}

/** Asks the cache who it is. Throws when it cannot be reached, or is one of another store. */
export async function openLookup(
  cache: BinaryCache,
  options: LookupOptions,
  signal?: AbortSignal,
): Promise<CacheLookup> {
  const lookups = cache.isLocal ? undefined : options.lookups
  const trust = cache.location.isTrusted ? { ...options.trust, trustAll: true } : options.trust
  const info = await rememberedInfo(cache, lookups, signal)
  const judge = (path: StorePath, text: string): Narinfo | undefined => {
    try {
      const narinfo = cache.parse(path, text)
      checkTrust(cache.storeDirectory, narinfo, trust, cache.name)
      return narinfo
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      options.onRefusal?.(error)
      return undefined
    }
  }
  return {
    cache,
    name: cache.name,
    priority: info.priority ?? DEFAULT_PRIORITY,
    async find(paths, askSignal) {
      const found = new Map<string, Narinfo>()
      const add = (path: StorePath, text: string | null | undefined): void => {
        const narinfo = typeof text === 'string' ? judge(path, text) : undefined
        if (narinfo !== undefined) found.set(storePathBaseName(path), narinfo)
      }
      const unknown: StorePath[] = []
      for (const path of paths) {
        const text = lookups?.get(cache.name, path.digest)
        if (text === undefined) unknown.push(path)
        else add(path, text)
      }
      const texts = await inParallel(LOOKUPS_AT_ONCE, unknown, (path) => cache.narinfoText(path, askSignal))
      for (const [index, path] of unknown.entries()) add(path, texts[index])
      if (unknown.length > 0)
        lookups?.put(
          cache.name,
          unknown.map((path, index) => [path.digest, texts[index] ?? null]),
        )
      return found
    },
    forget: (path) => lookups?.forget(cache.name, path.digest),
  }
}

/** What Nix takes for caches that say nothing. */
const DEFAULT_PRIORITY = 50
const LOOKUPS_AT_ONCE = 32

async function rememberedInfo(
  cache: BinaryCache,
  lookups: LookupCache | undefined,
  signal: AbortSignal | undefined,
): Promise<CacheInfo> {
  const { priority } = cache.location
  const text = lookups?.getInfo(cache.name)
  if (text !== undefined) {
    const info = parseCacheInfo(text)
    if (info.storeDirectory === undefined || info.storeDirectory === cache.storeDirectory) {
      return priority === undefined ? info : { ...info, priority }
    }
  }
  const info = await cache.info(signal)
  const { priority: _, ...own } = info
  lookups?.putInfo(cache.name, formatCacheInfo(priority === undefined ? info : own))
  return info
}
