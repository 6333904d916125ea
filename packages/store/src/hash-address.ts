import { createModuloHasher, type Hash, hashesEqual, parseContentAddress } from '@baryon/format'
import { dumpNar, hashPath } from './nar-tree.ts'
import type { NewPathInfo } from './path-info.ts'

/**
 * The hashes of a content address and of the contents, when they differ. `narHash` is that of the contents, where it is known.
 * References of a path to itself count as none, since its name was not known when the address was made.
 */
export function differentAddress(
  location: string,
  { path, references, contentAddress }: NewPathInfo,
  narHash?: Hash,
): { readonly expected: Hash; readonly actual: Hash } | undefined {
  if (contentAddress === undefined) return undefined
  const { method, hash: expected } = parseContentAddress(contentAddress)
  const { algorithm } = expected
  const refersToItself = references.some(({ digest }) => digest === path.digest)
  const actual =
    method !== 'recursive'
      ? hashPath(location, algorithm, { method: 'flat' }).hash
      : refersToItself
        ? moduloHash(location, algorithm, path.digest)
        : narHash?.algorithm === algorithm
          ? narHash
          : hashPath(location, algorithm).hash
  return hashesEqual(actual, expected) ? undefined : { expected, actual }
}

function moduloHash(location: string, algorithm: Hash['algorithm'], digest: string): Hash {
  const hasher = createModuloHasher(algorithm, digest)
  dumpNar(location, (chunk) => hasher.update(chunk))
  return hasher.digest()
}
