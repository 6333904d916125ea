/** Narinfo texts of the store's valid paths, kept in memory for as long as the database says the same. */
import {
  formatHash,
  formatNarinfo,
  type Narinfo,
  parseContentAddress,
  pathFingerprint,
  type SecretKey,
  sign,
} from '@baryon/format'
import type { PathInfo, Store } from '@baryon/store'
import { tagOf } from './entity-tag.ts'
import { type NarCoding, narUrl } from './parse-target.ts'

export interface NarinfoEntry {
  readonly info: PathInfo
  /** 52 digits, as they stand in URLs. */
  readonly narHash: string
  readonly text: string
  readonly tag: string
  /** Of its response. */
  readonly headers: Readonly<Record<string, string>>
}

export interface NarinfoIndex {
  /** The record of the valid path with this digest, as of this turn of the event loop. */
  find(digest: string): NarinfoEntry | undefined
  /** The same as of this moment: for what has just been protected from collection. */
  findNow(digest: string): NarinfoEntry | undefined
  /** Records in memory. */
  readonly size: number
}

export interface NarinfoOptions {
  /** Each signs every path; signatures that are in the store are served as well. */
  readonly keys: readonly SecretKey[]
  readonly coding: NarCoding
}

export function createNarinfoIndex(store: Store, options: NarinfoOptions): NarinfoIndex {
  const entries = new Map<string, CachedEntry>()
  // Asking takes 8 µs, a sixth of a whole request: once for all requests that arrived together is enough.
  let version: string | undefined
  const forget = () => {
    version = undefined
  }
  const index: NarinfoIndex = {
    findNow: (digest) => {
      forget()
      return index.find(digest)
    },
    find: (digest) => {
      if (version === undefined) {
        version = store.version()
        setImmediate(forget)
      }
      const known = entries.get(digest)
      if (known?.version === version) return known
      entries.delete(digest)
      const path = store.queryPathFromHashPart(digest)
      const info = path === undefined ? undefined : store.queryPathInfo(path)
      // Clients take a size of 0 for a damaged record. Only stores from before Nix 1.0 have paths without one.
      if (info === undefined || info.narSize === 0) return undefined
      const entry = createEntry(store, options, info, version, known)
      if (entries.size >= MAX_ENTRIES)
        for (const oldest of [...entries.keys()].slice(0, EVICTED)) entries.delete(oldest)
      entries.set(digest, entry)
      return entry
    },
    get size() {
      return entries.size
    },
  }
  return index
}

interface CachedEntry extends NarinfoEntry {
  readonly version: string
  readonly fingerprint: string
  readonly ownSignatures: readonly string[]
}

function createEntry(
  store: Store,
  { keys, coding }: NarinfoOptions,
  info: PathInfo,
  version: string,
  before: CachedEntry | undefined,
): CachedEntry {
  const fingerprint = pathFingerprint(store.storeDirectory, info)
  // A signature takes 60 µs, all the rest 20 µs; while builds register paths, each of their commits brings us here.
  const ownSignatures =
    before?.fingerprint === fingerprint ? before.ownSignatures : keys.map((key) => sign(key, fingerprint))
  const narHash = formatHash(info.narHash, 'nix32', false)
  const record: Narinfo = {
    path: info.path,
    url: narUrl(info.path.digest, narHash, coding),
    compression: coding,
    // Of what is compressed on the fly, neither hash nor size is known before it has been sent.
    ...(coding === 'none' ? { fileHash: info.narHash, fileSize: info.narSize } : {}),
    narHash: info.narHash,
    narSize: info.narSize,
    references: info.references,
    ...(info.deriver === undefined ? {} : { deriver: info.deriver }),
    signatures: [...new Set([...info.signatures, ...ownSignatures])],
    ...(info.contentAddress === undefined ? {} : { contentAddress: parseContentAddress(info.contentAddress) }),
  }
  const text = formatNarinfo(store.storeDirectory, record)
  const tag = tagOf(text)
  // A path may be collected: caches in between ask again after a few minutes.
  const headers = {
    'Content-Type': 'text/x-nix-narinfo',
    'Cache-Control': 'public, max-age=300',
    ETag: tag,
    'Content-Length': String(text.length),
  }
  return { info, narHash, text, tag, headers, version, fingerprint, ownSignatures }
}

/** About 200 MB of records at most; a store of a whole experiment has 30,000 paths. */
const MAX_ENTRIES = 100_000
const EVICTED = 1000
