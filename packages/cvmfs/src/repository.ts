/** A repository to read: its manifest and certificate are verified before anything else of it is believed. */
import { readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { type ContentHash, formatContentHash } from './content-hash.ts'
import { readTags, type Tag } from './history.ts'
import { parseManifest, type SignedManifest } from './manifest.ts'
import { type ObjectCache, openObjectCache } from './object-cache.ts'
import { type ObjectSource, type OpenOptions, readSmallFile, SMALL_FILE_LIMIT } from './object-source.ts'
import { Revision } from './revision.ts'
import { fingerprintOf, parseWhitelist, type SignedWhitelist } from './whitelist.ts'

export interface OpenRepositoryOptions {
  readonly source: ObjectSource
  /** PEM files; one of them must have signed the whitelist. */
  readonly publicKeys: readonly (string | Uint8Array)[]
  /** Where verified objects are kept. */
  readonly cacheDirectory: string
  /** What the repository must be called; by default whatever it says. */
  readonly name?: string | undefined
  /** Fingerprints that do not count, whatever the whitelist says. */
  readonly blacklist?: readonly string[]
  /** What was seen of the repository before: nothing older is taken. */
  readonly known?: { readonly revision: number; readonly published: number | undefined } | undefined
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
  readonly signal?: AbortSignal | undefined
}

export interface Repository {
  readonly name: string
  readonly manifest: SignedManifest
  readonly whitelist: SignedWhitelist
  /** Of whoever signed the manifest; PEM. */
  readonly certificate: Uint8Array
  /** As they were given. */
  readonly manifestBytes: Uint8Array
  readonly whitelistBytes: Uint8Array
  readonly source: ObjectSource
  readonly cache: ObjectCache
  /** The newest first; empty for a repository without a history. */
  tags(signal?: AbortSignal): Promise<readonly Tag[]>
  /** The tree of the current revision, or of a tag, a number of a revision that has a tag, or the hash of a root catalog. */
  revision(which?: string | ContentHash, signal?: AbortSignal): Promise<Revision>
}

/**
 * In the order of the real client: manifest, its repository and age, certificate, signature of the manifest, whitelist,
 * certificate in the whitelist. Throws `CVMFS_MANIFEST`, `CVMFS_NAME_MISMATCH`, `CVMFS_ROLLBACK`, `CVMFS_CERTIFICATE`, `CVMFS_SIGNATURE`,
 * `CVMFS_WHITELIST`, `CVMFS_WHITELIST_EXPIRED`, or what the source throws.
 */
export async function openRepository(options: OpenRepositoryOptions): Promise<Repository> {
  const { source, signal } = options
  const cache = openObjectCache(options.cacheDirectory)
  const { manifest, whitelist, certificate, manifestBytes, whitelistBytes } = await trusted(options, cache)
  const fetchTags = async (signal?: AbortSignal): Promise<readonly Tag[]> => {
    if (manifest.history === undefined) return []
    const wanted = { hash: manifest.history, kind: 'history', isCompressed: true, limit: HISTORY_LIMIT } as const
    return readTags(await cache.fetch(source, wanted, signal), manifest.name)
  }
  return {
    name: manifest.name,
    manifest,
    whitelist,
    certificate,
    manifestBytes,
    whitelistBytes,
    source,
    cache,
    tags: fetchTags,
    async revision(which, revisionSignal = signal) {
      const root = { source, cache }
      if (which === undefined || which === '') {
        return Revision.open(root, manifest.rootCatalog, manifest.rootCatalogSize, revisionSignal)
      }
      if (typeof which !== 'string') return Revision.open(root, which, undefined, revisionSignal)
      const tag = (await fetchTags(revisionSignal)).find(
        ({ name, revision, rootCatalog }) =>
          name === which || String(revision) === which || formatContentHash(rootCatalog) === which,
      )
      if (tag !== undefined) return Revision.open(root, tag.rootCatalog, tag.size, revisionSignal)
      if (which === String(manifest.revision) || which === formatContentHash(manifest.rootCatalog)) {
        return Revision.open(root, manifest.rootCatalog, manifest.rootCatalogSize, revisionSignal)
      }
      throw new UserError('CVMFS_REVISION', `${manifest.name} has no tag and no tagged revision '${which}'`, {
        hint: 'baryon repository log shows those that there are',
      })
    },
  }
}

const HISTORY_LIMIT = 256 * 1024 * 1024

type Trusted = Pick<Repository, 'manifest' | 'whitelist' | 'certificate' | 'manifestBytes' | 'whitelistBytes'>

/** Once more past the caches on the way, which may hold parts of two revisions. */
async function trusted(options: OpenRepositoryOptions, cache: ObjectCache): Promise<Trusted> {
  try {
    return await verify(options, cache, { signal: options.signal })
  } catch (error) {
    if (!(error instanceof UserError) || !STALE.has(error.code)) throw error
    return verify(options, cache, { signal: options.signal, isAgain: true })
  }
}

/** What a damaged or old copy on the way can be the cause of. */
const STALE = new Set([
  'CVMFS_MANIFEST',
  'CVMFS_HASH',
  'CVMFS_ROLLBACK',
  'CVMFS_SIGNATURE',
  'CVMFS_CERTIFICATE',
  'CVMFS_WHITELIST',
  'CVMFS_WHITELIST_EXPIRED',
])

async function verify(options: OpenRepositoryOptions, cache: ObjectCache, open: OpenOptions): Promise<Trusted> {
  const { source, known } = options
  const manifestBytes = await readSmallFile(source, '.cvmfspublished', open)
  const manifest = parseManifest(manifestBytes)
  checkName('manifest', manifest.name, options.name ?? manifest.name)
  if (known !== undefined && isOlder(manifest, known)) {
    throw new UserError(
      'CVMFS_ROLLBACK',
      `${source.name} offers revision ${manifest.revision} of ${manifest.name}, older than revision ${known.revision}, which is known already`,
      { hint: 'a server that is behind, or an attack: use another one' },
    )
  }
  const certificate = readFileSync(
    await cache.fetch(
      source,
      { hash: manifest.certificate, kind: 'certificate', isCompressed: true, limit: SMALL_FILE_LIMIT },
      open.signal,
    ),
  )
  manifest.verify(certificate)
  const whitelistBytes = await readSmallFile(source, '.cvmfswhitelist', open)
  const whitelist = parseWhitelist(whitelistBytes)
  checkWhitelist(whitelist, options, manifest.name)
  const isListed = whitelist.fingerprints.some((fingerprint) => {
    const algorithm = /-(RMD160|SHAKE128)$/.exec(fingerprint)?.[1] === 'SHAKE128' ? 'shake128' : 'sha1'
    return fingerprint === fingerprintOf(certificate, fingerprint.endsWith('-RMD160') ? 'rmd160' : algorithm)
  })
  const isBlacklisted = (options.blacklist ?? []).includes(fingerprintOf(certificate))
  if (!isListed || isBlacklisted) {
    throw new UserError(
      'CVMFS_CERTIFICATE',
      `the certificate that signed ${manifest.name} (${fingerprintOf(certificate)}) is ${isBlacklisted ? 'in the blacklist' : 'not in the whitelist'}`,
      { hint: 'an attack, or a key that was changed: ask who publishes the repository' },
    )
  }
  return { manifest, whitelist, certificate, manifestBytes, whitelistBytes }
}

function checkWhitelist(whitelist: SignedWhitelist, options: OpenRepositoryOptions, name: string): void {
  checkName('whitelist', whitelist.name, name)
  if (!whitelist.isSignedBy(options.publicKeys)) {
    throw new UserError('CVMFS_WHITELIST', `the whitelist of ${name} is not signed by any of the public keys`, {
      hint: 'check that the public keys are those of this repository',
    })
  }
  if (whitelist.expires < (options.now ?? Date.now())) {
    const date = new Date(whitelist.expires).toISOString().slice(0, 10)
    throw new UserError('CVMFS_WHITELIST_EXPIRED', `the whitelist of ${name} expired on ${date}`, {
      hint: 'whoever publishes the repository renews it with: baryon repository whitelist',
    })
  }
}

function checkName(what: string, actual: string, expected: string): void {
  if (actual === expected) return
  throw new UserError('CVMFS_NAME_MISMATCH', `the ${what} is of the repository ${actual}, not of ${expected}`, {
    hint: 'check the address',
  })
}

function isOlder(manifest: SignedManifest, known: NonNullable<OpenRepositoryOptions['known']>): boolean {
  return (
    manifest.revision < known.revision ||
    (manifest.published !== undefined && known.published !== undefined && manifest.published < known.published)
  )
}
