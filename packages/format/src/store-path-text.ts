import { compressHashInto, passingSha256 } from './hash.ts'
import { encodeNix32, putNix32 } from './nix32.ts'
import { computeSha256OfInput, putInput, SHA256_INPUT, sha256Digest, sha256Input } from './sha256.ts'
import { checkStorePathName, isLegalStorePathName, MAX_NAME_LENGTH, STORE_DIGEST_LENGTH } from './store-path.ts'

/**
 * The full text of a store path from its fingerprint, `TYPE:REF:REF…:sha256:INNER:STOREDIR:NAME`, whose SHA-256 is folded to
 * 160 bits. All are byte strings, the references full texts, in order; the inner hash is base 16, or 32 bytes, which may be
 * those of the last hash. The name comes in two parts.
 *
 * An evaluation makes two for each derivation, so all of it is done on bytes where they are hashed: half the time that joining
 * strings takes.
 */
export function storePathText(
  storeDirectory: string,
  type: string,
  references: readonly string[],
  inner: string | Uint8Array,
  name: string,
  nameEnd = '',
): string {
  let prefixLength = type.length + SEPARATOR.length
  for (let i = 0; i < references.length; i++) prefixLength += references[i]!.length + 1
  const nameLength = name.length + nameEnd.length
  if (prefixLength + BASE16_LENGTH + storeDirectory.length + nameLength + 3 > SHA256_INPUT) {
    return longStorePathText(storeDirectory, type, references, inner, name + nameEnd)
  }
  // So that the inner hash has an even place.
  const prefixStart = prefixLength & 1
  let at = putInput(type, prefixStart)
  for (let i = 0; i < references.length; i++) {
    sha256Input[at] = COLON
    at = putInput(references[i]!, at + 1)
  }
  at = putInput(SEPARATOR, at)
  at = typeof inner === 'string' ? putInput(inner, at) : putBase16(inner, at)
  sha256Input[at] = COLON
  at = putInput(storeDirectory, at + 1)
  sha256Input[at] = COLON
  const nameStart = at + 1
  const end = putInput(nameEnd, putInput(name, nameStart))
  computeSha256OfInput(prefixStart, end)
  compressHashInto(sha256Digest, folded)
  if (!isLegal(name, nameEnd)) checkStorePathName(name + nameEnd, encodeNix32(folded))
  // The rest of the path has place before its name, where the longer fingerprint was.
  const start = nameStart - 1 - STORE_DIGEST_LENGTH - 1 - storeDirectory.length
  at = putInput(storeDirectory, start)
  sha256Input[at] = SLASH
  at = putNix32(folded, sha256Input, at + 1)
  sha256Input[at] = DASH
  return sha256Input.latin1Slice(start, end)
}

/** A derivation and its first output have the same name. */
function isLegal(name: string, nameEnd: string): boolean {
  if (name !== lastLegal) {
    if (!isLegalStorePathName(name)) return false
    lastLegal = name
  }
  return (
    name.length + nameEnd.length <= MAX_NAME_LENGTH &&
    (nameEnd === '' || nameEnd === '.drv' || isLegalStorePathName(nameEnd))
  )
}

let lastLegal: string | undefined

function longStorePathText(
  storeDirectory: string,
  type: string,
  references: readonly string[],
  inner: string | Uint8Array,
  name: string,
): string {
  const base16 = typeof inner === 'string' ? inner : Buffer.from(inner).toString('hex')
  const kind = [type, ...references].join(':')
  compressHashInto(passingSha256(`${kind}${SEPARATOR}${base16}:${storeDirectory}:${name}`), folded)
  const digest = encodeNix32(folded)
  checkStorePathName(name, digest)
  return `${storeDirectory}/${digest}-${name}`
}

/** At an even place. */
function putBase16(bytes: Uint8Array, start: number): number {
  let at = start >> 1
  for (let i = 0; i < bytes.length; i++) pairs[at++] = DIGIT_PAIRS[bytes[i]!]!
  return 2 * at
}

/** The hash of a fingerprint as it enters the path. */
const folded = new Uint8Array(20)
const SEPARATOR = ':sha256:'
const BASE16_LENGTH = 64
const [COLON, SLASH, DASH] = [0x3a, 0x2f, 0x2d]
/** The input, two bytes at a time. */
const pairs = new Uint16Array(sha256Input.buffer, sha256Input.byteOffset, sha256Input.length / 2)
const DIGIT_PAIRS = new Uint16Array(256)
const ALL_BYTES = Buffer.from(Array.from(DIGIT_PAIRS, (_, byte) => byte))
Buffer.from(DIGIT_PAIRS.buffer).write(ALL_BYTES.toString('hex'), 'latin1')
