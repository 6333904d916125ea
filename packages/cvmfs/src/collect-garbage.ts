/**
 * Removes objects that no kept revision names: of former revisions, and of publishes that never ended. Kept are the current
 * revision, those with a tag, and as many former ones as are asked for.
 *
 * The reflog and the manifest that names it are replaced before anything is removed: what a killed collection leaves is named by nothing, and
 * goes with the next one.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { type ContentHash, contentHashesEqual, formatContentHash, objectName } from './content-hash.ts'
import { createIngester } from './ingest.ts'
import { nextCertificate, type SigningCertificate } from './next-certificate.ts'
import type { ObjectStorage, StorageLock } from './object-storage.ts'
import type { PublishOptions } from './publish.ts'
import { type Reference, readReflog, writeReflog } from './reflog.ts'
import { openRepository, type Repository } from './repository.ts'
import type { Revision } from './revision.ts'
import { storedMetainfo } from './stored-metainfo.ts'
import { copyFrom, replaceManifest } from './write-revision.ts'

export interface CollectOptions
  extends Pick<
    PublishOptions,
    'storage' | 'publicKeys' | 'privateKey' | 'certificate' | 'cacheDirectory' | 'now' | 'signal'
  > {
  /** Former revisions without a tag that are kept, the newest first; default 0 (the last one has a tag of its own). */
  readonly keep?: number
  /** Only tells what would be removed: nothing is written, and nobody is kept from publishing, whose objects of now count as garbage. */
  readonly isDryRun?: boolean
  readonly onProgress?: (progress: { readonly catalogs: number; readonly removed: number }) => void
}

export interface CollectResult {
  /** Root catalogs. */
  readonly keptRevisions: number
  readonly removedRevisions: number
  readonly keptObjects: number
  readonly removedObjects: number
  readonly removedBytes: number
}

/** Throws `CVMFS_NOT_COLLECTABLE`, `CVMFS_LOCKED`, and what reading throws: nothing is removed when a kept catalog cannot be read. */
export async function collectGarbage(options: CollectOptions): Promise<CollectResult> {
  if (options.isDryRun === true) return collect({ ...options, storage: storingNothing(options.storage) })
  return collect(options)
}

async function collect(options: CollectOptions): Promise<CollectResult> {
  const { storage, publicKeys, cacheDirectory, signal } = options
  const lock = await storage.lock()
  try {
    const repository = await openRepository({ source: storage, publicKeys, cacheDirectory, signal })
    if (!repository.manifest.isGarbageCollectable) {
      throw new UserError('CVMFS_NOT_COLLECTABLE', `${repository.name} was published as one without garbage collection`)
    }
    const references = await reflogOf(options, lock.scratch)
    const roots = await keptRoots(repository, references, options)
    const { certificate, metainfo } = await storedAgain(repository, options)
    const kept = await mark(repository, roots, options)
    const next: Reference[] = [{ hash: certificate.hash, kind: 'certificate', timestamp: seconds(options) }]
    if (metainfo !== undefined) next.push({ hash: metainfo, kind: 'metainfo', timestamp: seconds(options) })
    for (const { hash, kind } of next) kept.add(objectName(hash, kind))
    const rest = references.filter(({ hash, kind }) => kept.has(objectName(hash, kind)))
    if (options.isDryRun !== true) {
      const file = join(lock.scratch, 'reflog')
      writeReflog(file, repository.name, undefined, [...rest, ...next])
      await replaceManifest({ ...options, certificate }, { ...repository.manifest, metainfo }, readFileSync(file))
    }
    const removed = await sweep(options, kept)
    const count = (list: readonly Reference[]) => list.filter(({ kind }) => kind === 'catalog').length
    return {
      keptRevisions: roots.length,
      removedRevisions: count(references) - count(rest),
      keptObjects: kept.size,
      ...removed,
    }
  } finally {
    await lock.release()
  }
}

function storingNothing(storage: ObjectStorage): ObjectStorage {
  const nothing = async (): Promise<void> => undefined
  const lock = async (): Promise<StorageLock> => {
    const scratch = mkdtempSync(join(tmpdir(), 'baryon-gc-'))
    return { scratch, release: async () => rmSync(scratch, { recursive: true, force: true }) }
  }
  return { ...storage, put: nothing, remove: nothing, lock }
}

function seconds({ now = Date.now() }: CollectOptions): number {
  return Math.floor(now / 1000)
}

/** What the next manifest names, with which the reflog is made current. */
async function storedAgain(
  repository: Repository,
  { storage, certificate }: CollectOptions,
): Promise<{ readonly certificate: SigningCertificate; readonly metainfo: ContentHash | undefined }> {
  const { algorithm } = repository.manifest.rootCatalog
  const ingester = createIngester(storage, { algorithm, isCompressed: true })
  try {
    return {
      certificate: await nextCertificate(repository, ingester, certificate),
      metainfo: await storedMetainfo(repository, ingester),
    }
  } finally {
    ingester.close()
  }
}

async function reflogOf({ storage }: CollectOptions, scratch: string): Promise<Reference[]> {
  const file = join(scratch, 'former-reflog')
  return (await copyFrom(storage, '.cvmfsreflog', file)) ? readReflog(file) : []
}

async function keptRoots(
  repository: Repository,
  references: readonly Reference[],
  { keep = 0, signal }: CollectOptions,
): Promise<ContentHash[]> {
  const roots = new Map<string, ContentHash>()
  const add = (hash: ContentHash): void => void roots.set(formatContentHash(hash), hash)
  add(repository.manifest.rootCatalog)
  for (const tag of await repository.tags(signal)) add(tag.rootCatalog)
  const former = references
    .filter(({ kind, hash }) => kind === 'catalog' && !contentHashesEqual(hash, repository.manifest.rootCatalog))
    .sort((a, b) => b.timestamp - a.timestamp)
  for (const { hash } of former.slice(0, keep)) add(hash)
  return [...roots.values()]
}

/** Names of all objects that the roots and the manifest need. */
async function mark(
  repository: Repository,
  roots: readonly ContentHash[],
  options: CollectOptions,
): Promise<Set<string>> {
  const { manifest } = repository
  const names = new Set<string>([objectName(manifest.certificate, 'certificate')])
  if (manifest.history !== undefined) names.add(objectName(manifest.history, 'history'))
  if (manifest.metainfo !== undefined) names.add(objectName(manifest.metainfo, 'metainfo'))
  let catalogs = 0
  const visit = async (revision: Revision, nested: Parameters<Revision['catalog']>[0]): Promise<void> => {
    const name = objectName(nested.hash, 'catalog')
    if (names.has(name)) return
    names.add(name)
    const catalog = await revision.catalog(nested, options.signal)
    for (const { hash, kind } of catalog.objects()) names.add(objectName(hash, kind))
    options.onProgress?.({ catalogs: ++catalogs, removed: 0 })
    for (const below of catalog.nested) await visit(revision, below)
  }
  for (const hash of roots) {
    const revision = await repository.revision(hash, options.signal)
    try {
      await visit(revision, { path: '', hash, size: undefined })
    } finally {
      await revision.close()
    }
  }
  return names
}

async function sweep(
  { storage, onProgress, signal }: CollectOptions,
  kept: ReadonlySet<string>,
): Promise<{ readonly removedObjects: number; readonly removedBytes: number }> {
  let removedObjects = 0
  let removedBytes = 0
  for await (const { name, size } of storage.objects()) {
    signal?.throwIfAborted()
    if (kept.has(name)) continue
    await storage.remove(name)
    removedObjects++
    removedBytes += size
    onProgress?.({ catalogs: 0, removed: removedObjects })
  }
  return { removedObjects, removedBytes }
}
