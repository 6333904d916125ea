import {
  formatHash,
  type Hash,
  type HashAlgorithm,
  hashLength,
  isHashAlgorithm,
  parseHash,
  UserError,
} from '@baryon/format'
import { ValueError } from './errors.ts'

/** `outputHash` with `outputHashAlgo` (empty or unknown: the hash has to say it); errors have Nix's words. */
export function parseOutputHash(text: string, algorithmName: string, warn: (message: string) => void): Hash {
  const algorithm = isHashAlgorithm(algorithmName) ? algorithmName : undefined
  if (text === '') {
    if (algorithm === undefined) throw new ValueError('empty hash requires explicit hash type')
    const hash: Hash = { algorithm, bytes: new Uint8Array(hashLength(algorithm)) }
    warn(`warning: found empty hash, assuming '${formatHash(hash, 'sri')}'`)
    return hash
  }
  return parseAnyHash(text, algorithm)
}

/** Any text form of a hash; errors have Nix's words. */
export function parseAnyHash(text: string, algorithm: HashAlgorithm | undefined): Hash {
  const written = /^([a-z0-9]+)[:-]/.exec(text)?.[1]
  if (written === undefined && algorithm === undefined) {
    throw new ValueError(`hash '${text}' does not include a type, nor is the type otherwise known from context`)
  }
  if (written !== undefined && !isHashAlgorithm(written)) throw new ValueError(`unknown hash algorithm '${written}'`)
  if (written !== undefined && algorithm !== undefined && written !== algorithm) {
    throw new ValueError(`hash '${text}' should have type '${algorithm}'`)
  }
  try {
    return parseHash(text, algorithm)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const name = written ?? algorithm ?? ''
    const digits = written === undefined ? text : text.slice(written.length + 1)
    const length = isHashAlgorithm(name) ? hashLength(name) : 0
    const fits = [length * 2, Math.ceil((length * 8) / 5), Math.ceil(length / 3) * 4].includes(digits.length)
    throw new ValueError(
      fits ? `invalid hash '${text}': ${error.message}` : `hash '${digits}' has wrong length for hash type '${name}'`,
    )
  }
}
