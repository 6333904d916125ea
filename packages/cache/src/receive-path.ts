import { formatContentAddress, type Narinfo, UserError } from '@baryon/format'
import type { NewPathInfo } from '@baryon/store'
import type { CacheLookup } from './look-up.ts'
import type { CacheAddress, OnBytes } from './transfer-job.ts'
import type { TransferPool } from './transfer-pool.ts'

/** What the store's database will know of the path. */
export function asPathInfo(narinfo: Narinfo): NewPathInfo {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress } = narinfo
  return {
    path,
    narHash,
    narSize,
    references,
    deriver,
    signatures,
    contentAddress: contentAddress === undefined ? undefined : formatContentAddress(contentAddress),
  }
}

/**
 * Unpacks a path to a reserved place, where it is verified. What is remembered of a cache may be out of date: when the
 * archive is gone the cache is asked once more.
 */
export async function receivePath(
  pool: TransferPool,
  lookup: CacheLookup,
  address: CacheAddress,
  narinfo: Narinfo,
  location: string,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<void> {
  const unpack = (from: Narinfo): Promise<null> =>
    pool.run(
      'unpack',
      { cache: address, narinfo: from, info: asPathInfo(narinfo), location },
      narinfo.narSize,
      signal,
      onBytes,
    )
  try {
    await unpack(narinfo)
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'CACHE_FILE_MISSING') throw error
    lookup.forget(narinfo.path)
    const [fresh] = (await lookup.find([narinfo.path], signal)).values()
    if (fresh === undefined || fresh.url === narinfo.url) throw error
    await unpack(fresh)
  }
}
