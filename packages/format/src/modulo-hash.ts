import { createHasher, type Hash, type HashAlgorithm, type Hasher } from './hash.ts'

/**
 * A hash of bytes without regard to which digest of 32 characters stands in them, where one may be that of a path that is named by
 * this hash: each is taken for as many NULs, and `|OFFSET` is hashed for it at the end.
 */
export function createModuloHasher(algorithm: HashAlgorithm, digest: string): Hasher {
  const hasher = createHasher(algorithm)
  const offsets: number[] = []
  // What may be the beginning of a digest waits for the next piece.
  let rest = Buffer.alloc(0)
  let position = 0
  return {
    update(chunk) {
      const bytes = Buffer.concat([rest, chunk])
      for (let at = bytes.indexOf(digest, 0, 'latin1'); at >= 0; at = bytes.indexOf(digest, at, 'latin1')) {
        offsets.push(position + at)
        bytes.fill(0, at, at + digest.length)
      }
      const complete = Math.max(0, bytes.length - digest.length + 1)
      hasher.update(bytes.subarray(0, complete))
      rest = bytes.subarray(complete)
      position += complete
    },
    digest(): Hash {
      hasher.update(rest)
      for (const offset of offsets) hasher.update(Buffer.from(`|${offset}`))
      return hasher.digest()
    },
  }
}
