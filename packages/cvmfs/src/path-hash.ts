import { createHash } from 'node:crypto'

/** MD5 of a path inside the repository as the two columns that catalogs have for it: little-endian signed words. */
export function pathHash(path: string): readonly [bigint, bigint] {
  const digest = createHash('md5').update(path, 'latin1').digest()
  return [digest.readBigInt64LE(0), digest.readBigInt64LE(8)]
}
