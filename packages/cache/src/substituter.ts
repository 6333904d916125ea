/** Caches as places that a build plan takes finished paths from (`Substituter` of the build package). */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import {
  createHasher,
  formatContentAddress,
  formatHash,
  type Hash,
  hashesEqual,
  type Narinfo,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { openCache } from './binary-cache.ts'
import { pathMissing } from './cache-error.ts'
import { byPriority } from './find-closure.ts'
import { type CacheLookup, type LookupOptions, openLookup } from './look-up.ts'
import { receivePath } from './receive-path.ts'
import type { CacheAddress } from './transfer-job.ts'
import { createTransferPool, type TransferPool } from './transfer-pool.ts'

export interface CacheSubstituter {
  readonly name: string
  query(paths: readonly StorePath[]): Promise<readonly SubstitutablePath[]>
  fetch(path: StorePath, file: string, options: FetchNarOptions): Promise<void>
  unpack(path: StorePath, location: string, options: FetchNarOptions): Promise<void>
}

export interface SubstitutablePath {
  readonly path: StorePath
  readonly narHash: Hash
  readonly narSize: number
  readonly references: readonly StorePath[]
  readonly downloadSize: number | undefined
  readonly deriver: StorePath | undefined
  readonly signatures: readonly string[]
  readonly contentAddress: string | undefined
}

export interface FetchNarOptions {
  readonly signal: AbortSignal | undefined
  readonly onProgress: (bytes: number) => void
}

/** Opens the caches and orders them by priority. One that cannot be had, or is one of another store, is reported and left out. */
export async function openSubstituters(
  addresses: readonly CacheAddress[],
  options: LookupOptions & { readonly onNotice: (message: string) => void },
  signal?: AbortSignal,
): Promise<CacheSubstituter[]> {
  const pool = createTransferPool()
  const opened = await Promise.all(
    addresses.map(async (address) => {
      const cache = openCache(address.url, address.options)
      try {
        return { address, lookup: await openLookup(cache, options, signal) }
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof UserError)) throw error
        options.onNotice(`${cache.name} is left out: ${error.message}`)
        return undefined
      }
    }),
  )
  const usable = opened.filter((one) => one !== undefined)
  const addressOf = new Map(usable.map(({ lookup, address }) => [lookup, address]))
  return byPriority(usable.map(({ lookup }) => lookup)).map((lookup) =>
    substituter(lookup, addressOf.get(lookup)!, pool),
  )
}

function substituter(lookup: CacheLookup, address: CacheAddress, pool: TransferPool): CacheSubstituter {
  const known = new Map<string, Narinfo>()
  const promised = (path: StorePath): Narinfo => {
    const narinfo = known.get(storePathBaseName(path))
    if (narinfo === undefined) throw pathMissing(path, [lookup.cache.name])
    return narinfo
  }
  return {
    name: lookup.cache.name,
    async query(paths) {
      const found = await lookup.find(paths)
      for (const [base, narinfo] of found) known.set(base, narinfo)
      return Array.from(found.values(), describe)
    },
    async fetch(path, file, { signal, onProgress }) {
      const narinfo = promised(path)
      await writeVerified(lookup.cache.nar(narinfo, { signal, onProgress }), narinfo, file)
    },
    async unpack(path, location, { signal = new AbortController().signal, onProgress }) {
      await receivePath(pool, lookup, address, promised(path), location, signal, onProgress)
    },
  }
}

function describe(narinfo: Narinfo): SubstitutablePath {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress, fileSize } = narinfo
  return {
    path,
    narHash,
    narSize,
    references,
    downloadSize: fileSize,
    deriver,
    signatures,
    contentAddress: contentAddress === undefined ? undefined : formatContentAddress(contentAddress),
  }
}

async function writeVerified(chunks: AsyncIterable<Uint8Array>, narinfo: Narinfo, file: string): Promise<void> {
  const hasher = createHasher('sha256')
  const fd = openSync(file, 'wx', 0o600)
  try {
    for await (const chunk of chunks) {
      hasher.update(chunk)
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
    }
    const hash = hasher.digest()
    if (!hashesEqual(hash, narinfo.narHash)) {
      throw new UserError(
        'HASH_MISMATCH',
        `hash mismatch of the NAR of '${storePathBaseName(narinfo.path)}': expected ${formatHash(narinfo.narHash, 'sri')}, got ${formatHash(hash, 'sri')}`,
        { hint: 'the cache is damaged or lies: leave it out' },
      )
    }
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}
