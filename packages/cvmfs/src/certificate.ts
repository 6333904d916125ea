/**
 * The keys of a repository and its certificate. The certificate is only a container for the public key: self-signed, and
 * believed because the whitelist lists it. Node reads X.509 but does not write it, so the few bytes of DER are made here
 * (RFC 5280, section 4.1).
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** RSA, as the format demands; PEM, encrypted if there is a passphrase. */
export function newPrivateKey(passphrase?: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: KEY_BITS })
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString()
}

const KEY_BITS = 2048

export interface CertificateRequest {
  readonly repository: string
  readonly privateKey: KeyObject
  /** Milliseconds since 1970. Clients do not look at it. */
  readonly from: number
  readonly until: number
}

/** A self-signed certificate of the key, PEM. */
export function createCertificate({ repository, privateKey, from, until }: CertificateRequest): string {
  const name = sequence(
    der(SET, sequence(COMMON_NAME, der(UTF8, Buffer.from(`${repository} CernVM-FS Release Managers`)))),
  )
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const serial = randomBytes(16)
  // Positive, and of full length.
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const content = sequence(
    der(VERSION, der(INTEGER, Buffer.of(2))),
    der(INTEGER, serial),
    SHA256_WITH_RSA,
    name,
    sequence(time(from), time(until)),
    name,
    publicKey,
  )
  const signature = sign('RSA-SHA256', content, privateKey)
  const certificate = sequence(content, SHA256_WITH_RSA, der(BIT_STRING, Buffer.concat([Buffer.of(0), signature])))
  const lines = certificate.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const INTEGER = 0x02
const BIT_STRING = 0x03
const UTF8 = 0x0c
const UTC_TIME = 0x17
const GENERALISED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0

/** 1.2.840.113549.1.1.11 without parameters, and 2.5.4.3. */
const SHA256_WITH_RSA = Buffer.from('300d06092a864886f70d01010b0500', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(SEQUENCE, Buffer.concat(parts))
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(header), content])
}

/** Years from 2050 on have four digits. */
function time(milliseconds: number): Buffer {
  const text = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`
  return text < '2050' ? der(UTC_TIME, Buffer.from(text.slice(2))) : der(GENERALISED_TIME, Buffer.from(text))
}
