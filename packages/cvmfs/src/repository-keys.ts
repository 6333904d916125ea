/**
 * The files with the keys of a repository, with the names of the CVMFS tools:
 *
 *     NAME.masterkey, NAME.pub     sign and verify the whitelist
 *     NAME.key, NAME.crt           sign revisions; the certificate is what the whitelist lists
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { UserError } from '@baryon/format'
import { createCertificate, newPrivateKey } from './certificate.ts'
import { parsePrivateKey } from './signing-key.ts'

/** Each is read when it is asked for: the master key may lie in a safe. Reading throws `CVMFS_KEY` and `CVMFS_PASSPHRASE`. */
export interface RepositoryKeys {
  readonly privateKey: KeyObject
  /** PEM. */
  readonly certificate: string
  readonly masterKey: KeyObject
  /** PEM. */
  readonly publicKey: string
}

export function readKeys(name: string, directory: string, passphrase?: string): RepositoryKeys {
  const read = (suffix: string): string => readKeyFile(join(directory, `${name}.${suffix}`))
  const privateKey = (suffix: string) => parsePrivateKey(read(suffix), `${name}.${suffix}`, passphrase)
  return {
    get privateKey() {
      return privateKey('key')
    },
    get certificate() {
      return read('crt')
    },
    get masterKey() {
      return privateKey('masterkey')
    },
    get publicKey() {
      return read('pub')
    },
  }
}

export interface MakeKeysOptions {
  readonly name: string
  readonly directory: string
  /** Encrypts what is made, and decrypts what is there. */
  readonly passphrase?: string | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  /** Keys that are somewhere else: `NAME.crt`, or `NAME.pub`, must be there. */
  readonly hasPrivateKey?: boolean
  readonly hasMasterKey?: boolean
}

/** Makes each that is not there yet: whoever was killed in the middle goes on. */
export function makeKeys(options: MakeKeysOptions): RepositoryKeys {
  const { name, directory, passphrase } = options
  const keys = readKeys(name, directory, passphrase)
  const file = (suffix: string): string => join(directory, `${name}.${suffix}`)
  makeDirectories(directory, 0o700)
  if (options.hasMasterKey !== true) {
    makeOnce(file('masterkey'), 0o600, () => newPrivateKey(passphrase))
    makeOnce(file('pub'), 0o644, () => createPublicKey(keys.masterKey).export({ type: 'spki', format: 'pem' }))
  }
  if (options.hasPrivateKey !== true) makePair(options, file('key'), file('crt'))
  // What could not be made must be there.
  void keys.publicKey
  void keys.certificate
  return keys
}

/** A private key and its certificate, as far as they are not there yet. */
export function makePair({ name, passphrase, now }: MakeKeysOptions, keyFile: string, certificateFile: string): void {
  makeOnce(keyFile, 0o600, () => newPrivateKey(passphrase))
  makeOnce(certificateFile, 0o644, () =>
    createCertificate({
      repository: name,
      privateKey: parsePrivateKey(readKeyFile(keyFile), keyFile, passphrase),
      from: now,
      until: now + CERTIFICATE_YEARS * 365 * DAY,
    }),
  )
}

export function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UserError('CVMFS_KEY', `the key file ${file} cannot be read`, {
      hint: 'name the directory with the keys of the repository',
      cause,
    })
  }
}

const DAY = 24 * 3600 * 1000
const CERTIFICATE_YEARS = 20

function makeOnce(file: string, mode: number, make: () => string | Buffer): void {
  if (existsSync(file)) return
  const aside = `${file}.tmp-${process.pid}`
  rmSync(aside, { force: true })
  writeFileSync(aside, make(), { mode, flag: 'wx', flush: true })
  renameSync(aside, file)
}
