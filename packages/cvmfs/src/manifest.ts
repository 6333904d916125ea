/**
 * The manifest `.cvmfspublished`: what the current revision is. One letter and a value in each line, signed with the key
 * of the certificate that it names (RSA PKCS#1 v1.5 with SHA-1).
 *
 *     C4f7fa194a5c357252d4fa0c590193f066d661463       hash of the root catalog
 *     B57344                                          its size when unpacked
 *     Rd41d8cd98f00b204e9800998ecf8427e               MD5 of the root path, which is empty
 *     D240                                            seconds for which it may be used
 *     S5                                              revision
 *     Gyes  Ano                                       garbage collection; alternative catalog names
 *     Nsample.hep.example                             name of the repository
 *     X…  H…  M…                                      certificate, history, meta information
 *     T1795418847                                     time of publishing
 *     Y…                                              hash of the reflog
 */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { quoteBytes, UserError } from '@baryon/format'
import {
  type ContentHash,
  formatContentHash,
  type HashAlgorithm,
  hashContent,
  parseContentHash,
} from './content-hash.ts'
import { checkRepositoryName } from './repository-name.ts'
import { formatSignedText, parseSignedText, signedBody, signedBytes } from './signed-text.ts'
import { type SigningKey, signText } from './signing-key.ts'

export interface Manifest {
  readonly rootCatalog: ContentHash
  /** Bytes of the root catalog, unpacked. */
  readonly rootCatalogSize: number | undefined
  /** Seconds. */
  readonly ttl: number
  readonly revision: number
  readonly isGarbageCollectable: boolean
  readonly hasAlternativeCatalogPath: boolean
  readonly name: string
  readonly certificate: ContentHash
  readonly history: ContentHash | undefined
  readonly metainfo: ContentHash | undefined
  readonly reflog: ContentHash | undefined
  /** Seconds since 1970. */
  readonly published: number | undefined
}

export interface SignedManifest extends Manifest {
  /** Verifies the signature with the certificate (PEM) that the manifest names; throws `CVMFS_SIGNATURE`. */
  verify(certificate: string | Uint8Array): void
}

/** Throws `CVMFS_MANIFEST`. Letters that are not known are left out. */
export function parseManifest(bytes: Uint8Array): SignedManifest {
  const signed = parseSignedText(bytes, CODE, 'the manifest')
  const fields = new Map<string, string>()
  for (const line of signed.lines) {
    const letter = line[0] ?? ''
    if (fields.has(letter)) throw invalid(`has ${quoteBytes(letter)} twice`)
    fields.set(letter, line.slice(1))
  }
  const required = (letter: string): string => {
    const value = fields.get(letter)
    if (value === undefined) throw invalid(`is incomplete: it has no line ${letter}`)
    return value
  }
  const count = (letter: string, value: string): number => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number)) throw invalid(`has ${quoteBytes(value)} in line ${letter}, which is no count`)
    return number
  }
  const optionalCount = (letter: string): number | undefined => {
    const value = fields.get(letter)
    return value === undefined ? undefined : count(letter, value)
  }
  const optionalHash = (letter: string): ContentHash | undefined => {
    const value = fields.get(letter)
    return value === undefined ? undefined : parseContentHash(value, `line ${letter} of the manifest`)
  }
  if (required('R') !== ROOT_PATH) throw invalid(`is of the directory ${quoteBytes(required('R'))}, not of the root`)
  return {
    rootCatalog: parseContentHash(required('C'), 'line C of the manifest'),
    rootCatalogSize: optionalCount('B'),
    ttl: count('D', required('D')),
    revision: count('S', required('S')),
    isGarbageCollectable: fields.get('G') === 'yes',
    hasAlternativeCatalogPath: fields.get('A') === 'yes',
    name: checkRepositoryName(required('N')),
    certificate: parseContentHash(required('X'), 'line X of the manifest'),
    history: optionalHash('H'),
    metainfo: optionalHash('M'),
    reflog: optionalHash('Y'),
    published: optionalCount('T'),
    verify: (certificate) => {
      if (verify('RSA-SHA1', signedBytes(signed), rsa(publicKeyOf(certificate)), signed.signature)) return
      throw new UserError(
        'CVMFS_SIGNATURE',
        'the signature of the manifest is not from the certificate that it names',
        {
          hint: 'the server is broken or hostile: use another one',
        },
      )
    },
  }
}

/** The bytes of `.cvmfspublished`, signed with the private key that belongs to the certificate. */
export function formatManifest(manifest: Manifest, privateKey: SigningKey, algorithm: HashAlgorithm = 'sha1'): Buffer {
  const hash = (letter: string, value: ContentHash | undefined) =>
    value === undefined ? [] : [letter + formatContentHash(value)]
  const lines = [
    `C${formatContentHash(manifest.rootCatalog)}`,
    ...(manifest.rootCatalogSize === undefined ? [] : [`B${manifest.rootCatalogSize}`]),
    `R${ROOT_PATH}`,
    `D${manifest.ttl}`,
    `S${manifest.revision}`,
    `G${manifest.isGarbageCollectable ? 'yes' : 'no'}`,
    `A${manifest.hasAlternativeCatalogPath ? 'yes' : 'no'}`,
    `N${manifest.name}`,
    ...hash('X', manifest.certificate),
    ...hash('H', manifest.history),
    ...(manifest.published === undefined ? [] : [`T${manifest.published}`]),
    ...hash('M', manifest.metainfo),
    ...hash('Y', manifest.reflog),
  ]
  const bodyHash = hashContent(algorithm, signedBody(lines))
  return formatSignedText(lines, bodyHash, signText(privateKey, signedBytes({ hash: bodyHash }), 'manifest'))
}

const CODE = 'CVMFS_MANIFEST'
const ROOT_PATH = 'd41d8cd98f00b204e9800998ecf8427e'

function rsa(key: KeyObject): { readonly key: KeyObject; readonly padding: number } {
  return { key, padding: constants.RSA_PKCS1_PADDING }
}

function publicKeyOf(certificate: string | Uint8Array): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey(typeof certificate === 'string' ? certificate : Buffer.from(certificate))
  } catch (cause) {
    throw new UserError('CVMFS_CERTIFICATE', 'the certificate cannot be read', { cause })
  }
  if (key.asymmetricKeyType !== 'rsa') throw new UserError('CVMFS_CERTIFICATE', 'the certificate is not of an RSA key')
  return key
}

function invalid(problem: string): UserError {
  return new UserError(CODE, `the manifest ${problem}`, { hint: 'fetch it again, or from another server' })
}
