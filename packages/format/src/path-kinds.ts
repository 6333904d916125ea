/**
 * How the digest of each kind of store path is made.
 *
 * Every kind ends in one fingerprint, `TYPE:sha256:INNER:STOREDIR:NAME`, whose SHA-256 is folded to 160 bits:
 *
 *     text:REF:REF…          INNER = hash of the text
 *     source:REF…[:self]     INNER = NAR hash, for recursive sha256
 *     output:out             INNER = hash of `fixed:out:[r:]ALGORITHM:HASH:`, for all other content-addressed paths
 *     output:OUTPUT          INNER = hash of the derivation modulo fixed outputs
 *
 * Specification: "Complete Store Path Calculation" in the manual of Nix.
 */
import { formatHash, type Hash, hashBytes } from './hash.ts'
import { STORE_DIGEST_LENGTH, type StorePath } from './store-path.ts'
import { storePathText } from './store-path-text.ts'
import { UserError } from './user-error.ts'

/** `flat`: the bytes of one regular file; `recursive`: the NAR of any tree. */
export type HashMethod = 'flat' | 'recursive'

export interface FixedOutput {
  readonly method: HashMethod
  readonly hash: Hash
  /** Full texts; only recursive sha256 paths may have some. */
  readonly references?: readonly string[]
  /** The path refers to itself; only recursive sha256 paths may. The hash is then the one modulo the own digest. */
  readonly selfReference?: boolean
}

/** Path of a text file (`builtins.toFile`, derivations). `contentHash` is its sha256, references are full texts. */
export function textPath(
  storeDirectory: string,
  name: string,
  contentHash: Hash,
  references: readonly string[],
): StorePath {
  return makeStorePath(storeDirectory, withReferences('text', references, false), contentHash, name)
}

/** Path of what is addressed by the hash of its contents: sources, and outputs of fixed-output derivations. */
export function fixedOutputPath(storeDirectory: string, name: string, output: FixedOutput): StorePath {
  const { method, hash, references = [], selfReference = false } = output
  if (method === 'recursive' && hash.algorithm === 'sha256') {
    return makeStorePath(storeDirectory, withReferences('source', references, selfReference), hash, name)
  }
  if (references.length > 0 || selfReference) {
    throw new UserError(
      'FIXED_OUTPUT_REFERENCES',
      `fixed output '${name}' (${method} ${hash.algorithm}) must not refer to store paths`,
      {
        hint: 'only recursive sha256 hashes allow references',
      },
    )
  }
  const inner = `fixed:out:${method === 'recursive' ? 'r:' : ''}${formatHash(hash, 'base16')}:`
  return makeStorePath(storeDirectory, 'output:out', hashBytes('sha256', inner), name)
}

/** Path of one output of a derivation named `name` (without `.drv`); the hash is the one modulo fixed outputs, as base 16. */
export function inputAddressedPath(
  storeDirectory: string,
  name: string,
  outputName: string,
  derivationHash: Hash | string,
): StorePath {
  return makeStorePath(storeDirectory, `output:${outputName}`, derivationHash, outputPathName(name, outputName))
}

/** `hello` for the output `out`, `hello-dev` for the output `dev`. */
export function outputPathName(name: string, outputName: string): string {
  return name + outputNameEnd(outputName)
}

/** What the name of an output's path has behind that of its derivation. */
export function outputNameEnd(outputName: string): string {
  return outputName === 'out' ? '' : `-${outputName}`
}

/** The common last step. `sha256` is the inner hash (or its base 16), `type` one of the forms at the top of this file. */
export function makeStorePath(storeDirectory: string, type: string, sha256: Hash | string, name: string): StorePath {
  const inner = typeof sha256 === 'string' ? sha256 : hexOfSha256(sha256)
  const text = storePathText(storeDirectory, type, [], inner, name)
  const start = storeDirectory.length + 1
  return { digest: text.slice(start, start + STORE_DIGEST_LENGTH), name }
}

function hexOfSha256(hash: Hash): string {
  if (hash.algorithm !== 'sha256') {
    throw new UserError('HASH_INVALID', `a store path is made from a sha256 hash, not ${hash.algorithm}`)
  }
  return formatHash(hash, 'base16', false)
}

function withReferences(type: string, references: readonly string[], self: boolean): string {
  const sorted = references.length > 1 ? [...references].sort() : references
  let text = type
  for (const [index, reference] of sorted.entries()) if (reference !== sorted[index - 1]) text += `:${reference}`
  return self ? `${text}:self` : text
}
