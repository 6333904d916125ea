/**
 * The whitelist `.cvmfswhitelist`: the certificates whose manifests count, signed with the master key of the repository
 * (RSA PKCS#1 v1.5 padding around the hexadecimal hash itself, without a DigestInfo).
 *
 *     20261123072652                                                  issued
 *     E20461123072652                                                 valid until
 *     Nsample.hep.example                                             name of the repository
 *     49:50:EF:BE:D1:93:1A:53:6E:0A:AC:96:D1:EE:A7:6A:95:18:F1:07     SHA-1 of the certificate (DER)
 */
import { constants, createPublicKey, type KeyObject, publicDecrypt, X509Certificate } from 'node:crypto'
import { quoteBytes, UserError } from '@baryon/format'
import { createContentHasher, type HashAlgorithm, hashContent } from './content-hash.ts'
import { checkRepositoryName } from './repository-name.ts'
import { formatSignedText, parseSignedText, signedBody, signedBytes } from './signed-text.ts'
import { type SigningKey, signText } from './signing-key.ts'

export interface Whitelist {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly expires: number
  /** As `fingerprintOf` gives them. */
  readonly fingerprints: readonly string[]
}

export interface SignedWhitelist extends Whitelist {
  /** True when one of the public keys (PEM) has signed it. */
  isSignedBy(publicKeys: readonly (string | Uint8Array)[]): boolean
}

/** Throws `CVMFS_WHITELIST`. Lines that are no fingerprint are left out, as the client does. */
export function parseWhitelist(bytes: Uint8Array): SignedWhitelist {
  const signed = parseSignedText(bytes, CODE, 'the whitelist')
  const [issued = '', expiry = '', name = '', ...rest] = signed.lines
  if (issued.length !== 14) throw invalid(`begins with ${quoteBytes(issued.slice(0, 40))}, not with its date`)
  if (!name.startsWith('N')) throw invalid('names no repository')
  return {
    name: checkRepositoryName(name.slice(1)),
    expires: parseExpiry(expiry),
    fingerprints: rest.map((line) => line.replace(/[ \t#].*$/, '')).filter((line) => FINGERPRINT.test(line)),
    isSignedBy: (publicKeys) => publicKeys.some((key) => hasSigned(key, signedBytes(signed), signed.signature)),
  }
}

export interface NewWhitelist extends Whitelist {
  /** Milliseconds since 1970. */
  readonly issued: number
}

/** The bytes of `.cvmfswhitelist`, signed with the master key. */
export function formatWhitelist(whitelist: NewWhitelist, masterKey: SigningKey): Buffer {
  const lines = [
    stamp(whitelist.issued),
    `E${stamp(whitelist.expires)}`,
    `N${whitelist.name}`,
    ...whitelist.fingerprints,
  ]
  const hash = hashContent('sha1', signedBody(lines))
  return formatSignedText(lines, hash, signText(masterKey, signedBytes({ hash }), 'whitelist'))
}

/** Fingerprint of a certificate (PEM): `49:50:EF:…`, with the algorithm behind unless it is SHA-1. */
export function fingerprintOf(certificate: string | Uint8Array, algorithm: HashAlgorithm = 'sha1'): string {
  let der: Buffer
  try {
    der = new X509Certificate(typeof certificate === 'string' ? certificate : Buffer.from(certificate)).raw
  } catch (cause) {
    throw new UserError('CVMFS_CERTIFICATE', 'the certificate cannot be read', { cause })
  }
  const digits = createContentHasher(algorithm).update(der).digest('hex').toUpperCase()
  return digits.match(/../g)!.join(':') + (algorithm === 'sha1' ? '' : `-${algorithm.toUpperCase()}`)
}

const CODE = 'CVMFS_WHITELIST'
const FINGERPRINT = /^([0-9A-F]{2}:){19}[0-9A-F]{2}(-RMD160|-SHAKE128)?$/

function parseExpiry(line: string): number {
  const match = /^E(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(line)
  const [year, month, day, hour, minute, second] = (match ?? []).slice(1).map(Number)
  const time = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  // A month of 13 or a day of 32 is no date, whatever `Date` makes of it.
  if (match === null || `E${stamp(time)}` !== line) {
    throw invalid(`says ${quoteBytes(line.slice(0, 40))} where its expiry should be`)
  }
  return time
}

/** `YYYYMMDDHHMMSS`, in UTC. */
function stamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-T:]/g, '')
}

function hasSigned(publicKey: string | Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  let key: KeyObject
  try {
    key = createPublicKey(typeof publicKey === 'string' ? publicKey : Buffer.from(publicKey))
  } catch (cause) {
    throw new UserError('CVMFS_PUBLIC_KEY', 'a public key of the repository cannot be read', {
      hint: 'expected a PEM file that begins with -----BEGIN PUBLIC KEY-----',
      cause,
    })
  }
  if (key.asymmetricKeyType !== 'rsa') return false
  try {
    return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(text)
  } catch {
    // Whatever the library dislikes about it: it is no signature by this key.
    return false
  }
}

function invalid(problem: string): UserError {
  return new UserError(CODE, `the whitelist ${problem}`, { hint: 'fetch it again, or from another server' })
}
