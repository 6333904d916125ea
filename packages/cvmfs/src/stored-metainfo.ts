import { readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { STOCK_LIMIT } from './compress/stock-deflate.ts'
import type { ContentHash } from './content-hash.ts'
import type { Ingester } from './ingest.ts'
import { SMALL_FILE_LIMIT } from './object-source.ts'
import type { Repository } from './repository.ts'

/**
 * The meta information of the next manifest: that of the last one, stored as it has to be (see compress/stock-deflate.ts), which former versions
 * did not do. What is lost, or too large for that, stays as it is.
 */
export async function storedMetainfo(
  { manifest, cache, source }: Repository,
  ingester: Ingester,
): Promise<ContentHash | undefined> {
  const { metainfo: hash } = manifest
  if (hash === undefined) return undefined
  try {
    const wanted = { hash, kind: 'metainfo', isCompressed: true, limit: SMALL_FILE_LIMIT } as const
    const bytes = readFileSync(await cache.fetch(source, wanted))
    return bytes.length > STOCK_LIMIT ? hash : await ingester.bytes(bytes, 'metainfo')
  } catch (error) {
    if (error instanceof UserError && (error.code === 'CVMFS_MISSING' || error.code === 'CVMFS_SIZE')) return hash
    throw error
  }
}
