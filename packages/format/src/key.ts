/**
 * Ed25519 keys and signatures in Nix's text form, `NAME:BASE64`: the public key has 32 bytes, the secret key 64 (the
 * seed, then the public key), a signature 64. The name says which key to check with; `HOST-1` is the custom.
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import { quoteBytes } from './quote-bytes.ts'
import { UserError } from './user-error.ts'

export interface SecretKey {
  readonly name: string
  /** 32 bytes from which the pair is made. */
  readonly seed: Uint8Array
  readonly publicKey: PublicKey
}

export interface PublicKey {
  readonly name: string
  /** 32 bytes. */
  readonly bytes: Uint8Array
}

/** A new pair under that name; its public half is `publicKey`. */
export function generateKeyPair(name: string): SecretKey {
  checkKeyName(name)
  return fromSeed(name, randomBytes(SEED_LENGTH))
}

/** Reads a secret key, refusing one whose two halves do not belong together. */
export function parseSecretKey(text: string): SecretKey {
  const { name, bytes } = parseNamed(text, 'secret key', SEED_LENGTH + PUBLIC_LENGTH)
  const key = fromSeed(name, bytes.subarray(0, SEED_LENGTH))
  if (!bytes.subarray(SEED_LENGTH).equals(key.publicKey.bytes)) {
    // The text is a secret: it does not go into the message.
    throw new UserError('KEY_INVALID', `the public half of secret key '${name}' does not belong to its seed`)
  }
  return key
}

export function formatSecretKey(key: SecretKey): string {
  return formatNamed(key.name, Buffer.concat([key.seed, key.publicKey.bytes]))
}

export function parsePublicKey(text: string): PublicKey {
  return parseNamed(text, 'public key', PUBLIC_LENGTH)
}

export function formatPublicKey(key: PublicKey): string {
  return formatNamed(key.name, key.bytes)
}

/** Signature of a byte string (for a store path: its fingerprint), as `NAME:BASE64`. */
export function sign(key: SecretKey, data: string): string {
  return formatNamed(key.name, signBytes(null, Buffer.from(data, 'latin1'), privateKeyObject(key.seed)))
}

/** True when the signature is by the key of the same name among those given; a malformed one is by none. */
export function verify(keys: readonly PublicKey[], data: string, signature: string): boolean {
  const colon = signature.indexOf(':')
  const name = signature.slice(0, colon)
  const key = colon > 0 ? keys.find((candidate) => candidate.name === name) : undefined
  const bytes = decodeBase64(signature.slice(colon + 1))
  if (key === undefined || bytes === undefined || bytes.length !== SIGNATURE_LENGTH) return false
  return verifyBytes(null, Buffer.from(data, 'latin1'), publicKeyObject(key.bytes), bytes)
}

const SEED_LENGTH = 32
const PUBLIC_LENGTH = 32
const SIGNATURE_LENGTH = 64

/** The DER that stands before the 32 raw bytes in PKCS#8 and SPKI (RFC 8410): Node takes no raw Ed25519 keys. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function fromSeed(name: string, seed: Uint8Array): SecretKey {
  const spki = createPublicKey(privateKeyObject(seed)).export({ format: 'der', type: 'spki' })
  return { name, seed, publicKey: { name, bytes: spki.subarray(SPKI_PREFIX.length) } }
}

function privateKeyObject(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

function publicKeyObject(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' })
}

function parseNamed(text: string, what: string, length: number): { readonly name: string; readonly bytes: Buffer } {
  const trimmed = text.trim()
  const colon = trimmed.indexOf(':')
  if (colon <= 0) throw new UserError('KEY_INVALID', `${what} has no name`, { hint: 'keys are written as NAME:BASE64' })
  const name = trimmed.slice(0, colon)
  checkKeyName(name)
  const bytes = decodeBase64(trimmed.slice(colon + 1))
  if (bytes === undefined)
    throw new UserError('KEY_INVALID', `${what} ${quoteBytes(name)} is not base 64 (offset ${colon + 1})`)
  if (bytes.length !== length) {
    throw new UserError('KEY_INVALID', `${what} ${quoteBytes(name)} has ${bytes.length} bytes instead of ${length}`, {
      hint: 'a public key has 32 bytes, a secret key 64',
    })
  }
  return { name, bytes }
}

function formatNamed(name: string, bytes: Uint8Array): string {
  return `${name}:${Buffer.from(bytes).toString('base64')}`
}

/** Names stand before a colon in lines that are split at white space. */
function checkKeyName(name: string): void {
  if (/^[!-9;-~]+$/.test(name)) return
  throw new UserError('KEY_INVALID', `illegal key name ${quoteBytes(name)}`, {
    hint: 'use letters, digits, dots and dashes, as in cache.example.org-1',
  })
}

function decodeBase64(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}
