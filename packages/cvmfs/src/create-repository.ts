import { createPrivateKey, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { CatalogWriter, NO_COUNTS } from './catalog-writer.ts'
import { createCertificate, generateKey } from './certificate.ts'
import { type HashAlgorithm, hashContent } from './content-hash.ts'
import { writeHistory } from './history-writer.ts'
import { createIngester } from './ingest.ts'
import { formatManifest, type Manifest } from './manifest.ts'
import { createDirectories, directoryStorage } from './object-storage.ts'
import { writeReflog } from './reflog.ts'
import { checkRepositoryName } from './repository-name.ts'
import { fingerprintOf, formatWhitelist } from './whitelist.ts'

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
  const keys = makeKeys(name, options.keyDirectory, now)
  const storage = directoryStorage(directory)
  const ingester = createIngester(storage, { algorithm, isCompressed: true })
  const scratch = mkdtempSync(join(tmpdir(), 'baryon-repository-'))
  try {
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
    const certificate = await ingester.bytes(Buffer.from(keys.certificate), 'certificate')
    const metainfo = await ingester.bytes(Buffer.from(JSON.stringify(options.metainfo ?? {})), 'metainfo')
    const historyFile = join(scratch, 'history')
    const trunk = {
      name: 'trunk',
      description: 'current HEAD',
      rootCatalog,
      size: bytes.length,
      revision: 1,
      timestamp: seconds,
    }
    writeHistory(historyFile, name, [trunk], undefined)
    const history = await ingester.bytes(readFileSync(historyFile), 'history')
    const reflogFile = join(scratch, 'reflog')
    writeReflog(reflogFile, name, undefined, [
      { hash: rootCatalog, kind: 'catalog', timestamp: seconds },
      { hash: certificate, kind: 'certificate', timestamp: seconds },
      { hash: history, kind: 'history', timestamp: seconds },
      { hash: metainfo, kind: 'metainfo', timestamp: seconds },
    ])
    const reflog = readFileSync(reflogFile)
    const manifest: Manifest = {
      rootCatalog,
      rootCatalogSize: bytes.length,
      ttl: options.ttl ?? DEFAULT_TTL,
      revision: 1,
      isGarbageCollectable: true,
      hasAlternativeCatalogPath: false,
      name,
      certificate,
      history,
      metainfo,
      reflog: hashContent('sha1', reflog),
      published: seconds,
    }
    storage.sync()
    storage.replace('.cvmfsreflog', reflog)
    storage.replace('.cvmfswhitelist', newWhitelist(name, keys, now, options.validDays))
    storage.replace(
      '.cvmfs_master_replica',
      Buffer.from('This file marks the master replica of a CernVM-FS repository\n'),
    )
    storage.replace('.cvmfspublished', formatManifest(manifest, keys.privateKey, algorithm))
    return manifest
  } finally {
    rmSync(scratch, { recursive: true, force: true })
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

function makeKeys(name: string, directory: string, now: number): RepositoryKeys {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (existsSync(join(directory, `${name}.key`))) return readKeys(name, directory)
  const write = (suffix: string, text: string | Buffer, mode: number): void =>
    writeFileSync(join(directory, `${name}.${suffix}`), text, { mode, flag: 'wx' })
  const master = generateKey()
  const manager = generateKey()
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
  const certificate = createCertificate({
    repository: name,
    privateKey: manager.privateKey,
    from: now,
    until: now + CERTIFICATE_YEARS * 365 * DAY,
  })
  write('masterkey', master.privateKey.export(pkcs8), 0o600)
  write('pub', master.publicKey.export({ type: 'spki', format: 'pem' }), 0o644)
  write('crt', certificate, 0o644)
  // Last: with it the set is complete.
  write('key', manager.privateKey.export(pkcs8), 0o600)
  return readKeys(name, directory)
}
