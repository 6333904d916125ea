import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { CatalogWriter, NO_COUNTS } from './catalog-writer.ts'
import { createCertificate, newPrivateKey } from './certificate.ts'
import type { HashAlgorithm } from './content-hash.ts'
import { createIngester } from './ingest.ts'
import type { Manifest } from './manifest.ts'
import { createDirectories, directoryStorage } from './object-storage.ts'
import { checkRepositoryName } from './repository-name.ts'
import { movedTrunk } from './tags.ts'
import { fingerprintOf, formatWhitelist } from './whitelist.ts'
import { writeRevision } from './write-revision.ts'

export interface CreateRepositoryOptions {
  readonly name: string
  /** The directory that a web server is to serve; nothing may be published there yet. */
  readonly directory: string
  /** Where NAME.key, NAME.crt, NAME.masterkey and NAME.pub are put; keys that are there are used. */
  readonly keyDirectory: string
  readonly algorithm?: HashAlgorithm
  /** Seconds for which clients use a manifest; default 240. */
  readonly ttl?: number
  /** Days for which the whitelist is valid; default 30. */
  readonly validDays?: number
  /** For people and monitoring: who runs it, what it is. */
  readonly metainfo?: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
}

export interface RepositoryKeys {
  readonly privateKey: KeyObject
  readonly certificate: string
  readonly masterKey: KeyObject
  readonly publicKey: string
}

/** Makes keys, a whitelist and an empty first revision. Throws `CVMFS_EXISTS`. */
export async function createRepository(options: CreateRepositoryOptions): Promise<Manifest> {
  const name = checkRepositoryName(options.name)
  const { directory, algorithm = 'sha1' } = options
  const now = options.now ?? Date.now()
  if (existsSync(join(directory, '.cvmfspublished'))) {
    throw new UserError('CVMFS_EXISTS', `${directory} is a repository already`, { hint: 'choose another directory' })
  }
  createDirectories(directory)
  const storage = directoryStorage(directory)
  const ingester = createIngester(storage, { algorithm, isCompressed: true })
  const lock = storage.lock()
  const { scratch } = lock
  try {
    const keys = makeKeys(name, options.keyDirectory, now)
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
    writer.finish({ revision: 1, previous: undefined, modified: seconds }, NO_COUNTS)
    const bytes = readFileSync(catalogFile)
    const rootCatalog = await ingester.bytes(bytes, 'catalog')
    const last = {
      name,
      ttl: options.ttl ?? DEFAULT_TTL,
      isGarbageCollectable: true,
      hasAlternativeCatalogPath: false,
      certificate: await ingester.bytes(Buffer.from(keys.certificate), 'certificate'),
      metainfo: await ingester.bytes(Buffer.from(JSON.stringify(options.metainfo ?? {})), 'metainfo'),
      history: undefined,
      published: undefined,
    }
    storage.replace('.cvmfswhitelist', newWhitelist(name, keys, now, options.validDays))
    storage.replace(
      '.cvmfs_master_replica',
      Buffer.from('This file marks the master replica of a CernVM-FS repository\n'),
    )
    const tags = movedTrunk([], { rootCatalog, size: bytes.length, revision: 1, timestamp: seconds })
    return await writeRevision(
      { storage, last, ingester, privateKey: keys.privateKey, scratch, now: seconds },
      { rootCatalog, rootCatalogSize: bytes.length, revision: 1, tags },
    )
  } finally {
    ingester.close()
    lock.release()
  }
}

/** A whitelist with the certificate in it, valid from now on. */
export function newWhitelist(
  name: string,
  keys: Pick<RepositoryKeys, 'certificate' | 'masterKey'>,
  now: number,
  validDays = DEFAULT_VALID_DAYS,
): Buffer {
  return formatWhitelist(
    { name, issued: now, expires: now + validDays * DAY, fingerprints: [fingerprintOf(keys.certificate)] },
    keys.masterKey,
  )
}

/** Reads the keys of a repository; throws `CVMFS_KEY`. */
export function readKeys(name: string, directory: string): RepositoryKeys {
  const read = (suffix: string): string => {
    const file = join(directory, `${name}.${suffix}`)
    try {
      return readFileSync(file, 'utf8')
    } catch (cause) {
      throw new UserError('CVMFS_KEY', `the key file ${file} cannot be read`, {
        hint: 'name the directory with the keys of the repository',
        cause,
      })
    }
  }
  return {
    privateKey: privateKeyOf(read('key'), `${name}.key`),
    certificate: read('crt'),
    masterKey: privateKeyOf(read('masterkey'), `${name}.masterkey`),
    publicKey: read('pub'),
  }
}

const DEFAULT_TTL = 240
const DEFAULT_VALID_DAYS = 30
const DAY = 24 * 3600 * 1000
const CERTIFICATE_YEARS = 20

function privateKeyOf(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new UserError('CVMFS_KEY', `${file} is no private key in PEM`, { cause })
  }
}

/** Each that is not there yet: whoever was killed in the middle goes on. */
function makeKeys(name: string, directory: string, now: number): RepositoryKeys {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const once = (suffix: string, mode: number, make: () => string | Buffer): void => {
    const file = join(directory, `${name}.${suffix}`)
    if (existsSync(file)) return
    const aside = `${file}.tmp-${process.pid}`
    rmSync(aside, { force: true })
    writeFileSync(aside, make(), { mode, flag: 'wx', flush: true })
    renameSync(aside, file)
  }
  const read = (suffix: string): KeyObject =>
    privateKeyOf(readFileSync(join(directory, `${name}.${suffix}`), 'utf8'), `${name}.${suffix}`)
  once('masterkey', 0o600, newPrivateKey)
  once('pub', 0o644, () => createPublicKey(read('masterkey')).export({ type: 'spki', format: 'pem' }))
  once('key', 0o600, newPrivateKey)
  once('crt', 0o644, () =>
    createCertificate({
      repository: name,
      privateKey: read('key'),
      from: now,
      until: now + CERTIFICATE_YEARS * 365 * DAY,
    }),
  )
  return readKeys(name, directory)
}
