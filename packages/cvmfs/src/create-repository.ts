import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { CatalogWriter, NO_COUNTS } from './catalog-writer.ts'
import type { HashAlgorithm } from './content-hash.ts'
import { createIngester } from './ingest.ts'
import type { Manifest } from './manifest.ts'
import { readSmallFile } from './object-source.ts'
import { createDirectories, directoryStorage, type ObjectStorage } from './object-storage.ts'
import { newWhitelist } from './renew-whitelist.ts'
import { makeKeys } from './repository-keys.ts'
import { checkRepositoryName } from './repository-name.ts'
import type { SigningKey } from './signing-key.ts'
import { movedTrunk } from './tags.ts'
import { fingerprintOf } from './whitelist.ts'
import { writeRevision } from './write-revision.ts'

/** Nothing may be published there yet. */
export type CreateRepositoryOptions = NewRepository &
  (
    | {
        /** What a web server is to serve. */
        readonly directory: string
      }
    | { readonly storage: ObjectStorage }
  )

export interface NewRepository {
  readonly name: string
  /** Where NAME.key, NAME.crt, NAME.masterkey and NAME.pub are put; keys that are there are used. */
  readonly keyDirectory: string
  readonly algorithm?: HashAlgorithm
  /** Seconds for which clients use a manifest; default 240. */
  readonly ttl?: number
  /** Days for which the whitelist is valid; default 30. */
  readonly validDays?: number
  /** Encrypts the private keys that are made, and decrypts those that are there. */
  readonly passphrase?: string | undefined
  /** What signs manifests instead of NAME.key; NAME.crt must be there. */
  readonly privateKey?: SigningKey | undefined
  /** What signs the whitelist instead of NAME.masterkey; NAME.pub must be there. */
  readonly masterKey?: SigningKey | undefined
  /** For people and monitoring: who runs it, what it is. */
  readonly metainfo?: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
}

/** Makes keys, a whitelist and an empty first revision. Throws `CVMFS_EXISTS`. */
export async function createRepository(options: CreateRepositoryOptions): Promise<Manifest> {
  const name = checkRepositoryName(options.name)
  const { algorithm = 'sha1' } = options
  const now = options.now ?? Date.now()
  const storage = 'storage' in options ? options.storage : directoryStorage(options.directory)
  if (await isPublished(storage)) {
    throw new UserError('CVMFS_EXISTS', `${storage.name} is a repository already`, { hint: 'choose another place' })
  }
  if ('directory' in options) createDirectories(options.directory)
  const ingester = createIngester(storage, { algorithm, isCompressed: true })
  const lock = await storage.lock()
  const { scratch } = lock
  try {
    const keys = makeKeys({
      name,
      directory: options.keyDirectory,
      passphrase: options.passphrase,
      now,
      hasPrivateKey: options.privateKey !== undefined,
      hasMasterKey: options.masterKey !== undefined,
    })
    const seconds = Math.floor(now / 1000)
    const catalogFile = join(scratch, 'catalog')
    const writer = CatalogWriter.create(catalogFile, '')
    writer.insert({
      path: '',
      kind: 'directory',
      mode: 0o40755,
      uid: 0,
      gid: 0,
      size: 4096,
      mtime: seconds,
      mtimeNanoseconds: undefined,
      linkCount: 2,
      hardlinkGroup: 0,
      hash: undefined,
      chunks: undefined,
      isCompressed: true,
      isExternal: false,
      target: '',
      xattrs: new Map(),
    })
    const { ttl = DEFAULT_TTL } = options
    writer.finish({ revision: 1, previous: undefined, modified: seconds, ttl }, NO_COUNTS)
    const bytes = readFileSync(catalogFile)
    const rootCatalog = await ingester.bytes(bytes, 'catalog')
    const last = {
      name,
      ttl,
      isGarbageCollectable: true,
      hasAlternativeCatalogPath: false,
      metainfo: await ingester.bytes(Buffer.from(JSON.stringify(options.metainfo ?? {})), 'metainfo'),
      history: undefined,
      published: undefined,
    }
    const { certificate, publicKey } = keys
    const fingerprints = [fingerprintOf(certificate)]
    const masterKey = options.masterKey ?? keys.masterKey
    await storage.replace(
      '.cvmfswhitelist',
      newWhitelist({ name, fingerprints, masterKey, publicKey, validDays: options.validDays, now }),
    )
    await storage.replace(
      '.cvmfs_master_replica',
      Buffer.from('This file marks the master replica of a CernVM-FS repository\n'),
    )
    const tags = movedTrunk([], { rootCatalog, size: bytes.length, revision: 1, timestamp: seconds })
    return await writeRevision(
      {
        storage,
        last,
        ingester,
        privateKey: options.privateKey ?? keys.privateKey,
        certificate: { hash: await ingester.bytes(Buffer.from(certificate), 'certificate'), pem: certificate },
        scratch,
        now: seconds,
      },
      { rootCatalog, rootCatalogSize: bytes.length, revision: 1, tags },
    )
  } finally {
    ingester.close()
    await lock.release()
  }
}

const DEFAULT_TTL = 240

async function isPublished(storage: ObjectStorage): Promise<boolean> {
  try {
    await readSmallFile(storage, '.cvmfspublished')
    return true
  } catch (error) {
    if (error instanceof UserError && error.code === 'CVMFS_MISSING') return false
    throw error
  }
}
