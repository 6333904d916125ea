/**
 * Hashes of objects: over the stored (compressed) bytes, in hexadecimal, with the algorithm behind unless it is SHA-1.
 *
 *     f7fa194a5c357252d4fa0c590193f066d661463            SHA-1
 *     ff8d5d33803f9593e63e2f3862de472c5e394f30-shake128   SHAKE-128 with 160 bits of output
 *
 * In the object store a letter says what the object is: `data/02/a7fab0…H`. It is no part of the hash.
 */
import { createHash, type Hash as NodeHash } from 'node:crypto'
import { quoteBytes, UserError } from '@baryon/format'

export type HashAlgorithm = 'sha1' | 'rmd160' | 'shake128'

export interface ContentHash {
  readonly algorithm: HashAlgorithm
  /** 40 digits. */
  readonly hex: string
}

/** What an object is: contents of a file, chunk of one, catalog, history, certificate, meta information. */
export type ObjectKind = 'file' | 'chunk' | 'catalog' | 'history' | 'certificate' | 'metainfo'

/** In the order of the numbers that catalogs have for them. */
export const HASH_ALGORITHMS: readonly HashAlgorithm[] = ['sha1', 'rmd160', 'shake128']

const SUFFIXES: Readonly<Record<ObjectKind, string>> = {
  file: '',
  chunk: 'P',
  catalog: 'C',
  history: 'H',
  certificate: 'X',
  metainfo: 'M',
}

const IDENTIFIERS: Readonly<Record<HashAlgorithm, string>> = { sha1: '', rmd160: '-rmd160', shake128: '-shake128' }

/** Bytes of every hash, whatever the algorithm. */
export const HASH_LENGTH = 20

export function formatContentHash({ algorithm, hex }: ContentHash): string {
  return hex + IDENTIFIERS[algorithm]
}

/** Throws `CVMFS_HASH`; `what` names the hash in the error. */
export function parseContentHash(text: string, what: string): ContentHash {
  const match = /^([0-9a-f]{40})(-rmd160|-shake128)?$/.exec(text)
  if (match === null) {
    throw new UserError('CVMFS_HASH', `${what} is no hash of a CVMFS object: ${quoteBytes(text.slice(0, 80))}`, {
      hint: 'expected 40 hexadecimal digits, with -rmd160 or -shake128 behind for these algorithms',
    })
  }
  const algorithm = HASH_ALGORITHMS.find((name) => IDENTIFIERS[name] === (match[2] ?? ''))!
  return { algorithm, hex: match[1]! }
}

/** The hash that a catalog has as raw bytes. */
export function contentHashOf(algorithm: HashAlgorithm, bytes: Uint8Array): ContentHash {
  if (bytes.length !== HASH_LENGTH) {
    throw new UserError('CVMFS_HASH', `a hash of ${bytes.length} bytes instead of ${HASH_LENGTH}`)
  }
  return { algorithm, hex: Buffer.from(bytes).toString('hex') }
}

export function contentHashesEqual(a: ContentHash, b: ContentHash): boolean {
  return a.hex === b.hex && a.algorithm === b.algorithm
}

/** Where the object lies, relative to the repository. */
export function objectName(hash: ContentHash, kind: ObjectKind): string {
  return `data/${hash.hex.slice(0, 2)}/${hash.hex.slice(2)}${IDENTIFIERS[hash.algorithm]}${SUFFIXES[kind]}`
}

export function createContentHasher(algorithm: HashAlgorithm): NodeHash {
  return algorithm === 'shake128' ? createHash('shake128', { outputLength: HASH_LENGTH }) : createHash(algorithm)
}

export function hashContent(algorithm: HashAlgorithm, bytes: Uint8Array): ContentHash {
  return { algorithm, hex: createContentHasher(algorithm).update(bytes).digest('hex') }
}
