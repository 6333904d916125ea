/** The whitelist signed anew, and certificates that take each other's place in it. */
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { type Manifest, parseManifest } from './manifest.ts'
import { openObjectCache } from './object-cache.ts'
import { readSmallFile, SMALL_FILE_LIMIT } from './object-source.ts'
import type { PublishOptions } from './publish.ts'
import { makePair, readKeyFile } from './repository-keys.ts'
import { parsePrivateKey, type SigningKey } from './signing-key.ts'
import { changeTags } from './tags.ts'
import { fingerprintOf, formatWhitelist, parseWhitelist, type SignedWhitelist } from './whitelist.ts'

export interface RenewOptions extends Pick<PublishOptions, 'storage' | 'cacheDirectory' | 'signal' | 'now'> {
  readonly masterKey: SigningKey
  /** PEM; of the master key. */
  readonly publicKey: string
  /** PEM; is listed, as is the one that the current manifest names. */
  readonly certificate: string
  /** Days; default 30. */
  readonly validDays?: number | undefined
}

/**
 * Signs a new whitelist, whatever the former one says. Listed are the certificate and the one that signed the current revision: any other one is
 * not believed any more. Throws `CVMFS_LOCKED`, `CVMFS_SIGNING` or `CVMFS_KEY`.
 */
export async function renewWhitelist(options: RenewOptions): Promise<SignedWhitelist> {
  const lock = await options.storage.lock()
  try {
    const { storage, certificate, now = Date.now() } = options
    const manifest = parseManifest(await readSmallFile(storage, '.cvmfspublished'))
    const inUse = await certificateInUse(options, manifest)
    const fingerprints = [...new Set([certificate, ...inUse].map((pem) => fingerprintOf(pem)))]
    const bytes = newWhitelist({ ...options, name: manifest.name, fingerprints, now })
    await storage.replace('.cvmfswhitelist', bytes)
    return parseWhitelist(bytes)
  } finally {
    await lock.release()
  }
}

export interface RotateOptions extends Omit<RenewOptions, 'certificate'> {
  readonly name: string
  readonly keyDirectory: string
  readonly passphrase?: string | undefined
}

/**
 * Makes a new key with its certificate, and signs the current revision with it. The former certificate stays listed until the whitelist is signed the
 * next time: mirrors and caches may still have what it signed. After an interruption the same call goes on.
 */
export async function rotateCertificate(options: RotateOptions): Promise<Manifest> {
  const { name, keyDirectory: directory, passphrase, storage, publicKey, cacheDirectory, signal } = options
  const now = options.now ?? Date.now()
  const file = (suffix: string): string => join(directory, `${name}.${suffix}`)
  // Interrupted between the last two steps.
  if (existsSync(file('crt.new')) && !existsSync(file('key.new'))) renameSync(file('crt.new'), file('crt'))
  makePair({ name, directory, passphrase, now }, file('key.new'), file('crt.new'))
  const certificate = readKeyFile(file('crt.new'))
  await renewWhitelist({ ...options, certificate })
  const manifest = await changeTags(
    {
      storage,
      publicKeys: [publicKey],
      privateKey: parsePrivateKey(readKeyFile(file('key.new')), `${name}.key.new`, passphrase),
      certificate,
      cacheDirectory,
      now,
      ...(signal === undefined ? {} : { signal }),
    },
    [],
  )
  renameSync(file('key.new'), file('key'))
  renameSync(file('crt.new'), file('crt'))
  return manifest
}

export interface NewWhitelistOptions {
  readonly name: string
  readonly fingerprints: readonly string[]
  readonly masterKey: SigningKey
  readonly publicKey: string
  readonly validDays?: number | undefined
  readonly now: number
}

/** The bytes of a whitelist that is valid from now on. Throws `CVMFS_KEY` when it is not for the public key. */
export function newWhitelist(options: NewWhitelistOptions): Buffer {
  const { name, fingerprints, masterKey, publicKey, now, validDays = DEFAULT_VALID_DAYS } = options
  const bytes = formatWhitelist({ name, issued: now, expires: now + validDays * DAY, fingerprints }, masterKey)
  if (parseWhitelist(bytes).isSignedBy([publicKey])) return bytes
  throw new UserError(
    'CVMFS_KEY',
    `what signs the whitelist of ${name} does not belong to the public key ${name}.pub`,
    {
      hint: 'clients would refuse the repository: use the master key, or give them another public key',
    },
  )
}

const DEFAULT_VALID_DAYS = 30
const DAY = 24 * 3600 * 1000

/** None for a repository that has lost it. */
async function certificateInUse(options: RenewOptions, { certificate: hash }: Manifest): Promise<Buffer[]> {
  const wanted = { hash, kind: 'certificate', isCompressed: true, limit: SMALL_FILE_LIMIT } as const
  try {
    return [readFileSync(await openObjectCache(options.cacheDirectory).fetch(options.storage, wanted, options.signal))]
  } catch (error) {
    if (error instanceof UserError && error.code === 'CVMFS_MISSING') return []
    throw error
  }
}
