import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { type ContentHash, hashContent } from './content-hash.ts'
import type { Tag } from './history.ts'
import { writeHistory } from './history-writer.ts'
import type { Ingester } from './ingest.ts'
import { formatManifest, type Manifest, parseManifest } from './manifest.ts'
import type { SigningCertificate } from './next-certificate.ts'
import type { ObjectStorage } from './object-storage.ts'
import { type ReferenceKind, writeReflog } from './reflog.ts'
import type { SigningKey } from './signing-key.ts'

export interface RevisionWriter {
  readonly storage: ObjectStorage
  /** What stays from one revision to the next. */
  readonly last: Omit<Manifest, keyof NewRevision | 'reflog' | 'certificate'>
  readonly ingester: Ingester
  readonly privateKey: SigningKey
  readonly certificate: SigningCertificate
  /** A directory for files in work, of this writer alone. */
  readonly scratch: string
  /** Seconds since 1970. */
  readonly now: number
}

/** What becomes current. */
export interface NewRevision {
  readonly rootCatalog: ContentHash
  readonly rootCatalogSize: number | undefined
  readonly revision: number
  readonly tags: readonly Tag[]
}

/** History, reflog and, when everything that they name is durable, the manifest. */
export async function writeRevision(writer: RevisionWriter, next: NewRevision): Promise<Manifest> {
  const { storage, last, ingester, scratch, now } = writer
  const { tags, ...current } = next
  const historyFile = join(scratch, 'history')
  writeHistory(historyFile, last.name, tags, last.history)
  const history = await ingester.bytes(readFileSync(historyFile), 'history')
  const former = join(scratch, 'former-reflog')
  const hasFormer = await copyFrom(storage, '.cvmfsreflog', former)
  const reflog = join(scratch, 'reflog')
  const references: (readonly [ReferenceKind, ContentHash | undefined])[] = [
    ['catalog', current.rootCatalog],
    ['certificate', writer.certificate.hash],
    ['history', history],
    ['metainfo', last.metainfo],
  ]
  writeReflog(
    reflog,
    last.name,
    hasFormer ? former : undefined,
    references.flatMap(([kind, hash]) => (hash === undefined ? [] : [{ kind, hash, timestamp: now }])),
  )
  // A clock that was set back must not make clients refuse the revision.
  const published = Math.max(now, last.published ?? 0)
  return replaceManifest(writer, { ...last, ...current, history, published }, readFileSync(reflog))
}

/** Makes the manifest current, with the reflog that it names, when everything else is durable. Throws `CVMFS_KEY`, `CVMFS_SIGNING`. */
export async function replaceManifest(
  { storage, privateKey, certificate }: Pick<RevisionWriter, 'storage' | 'privateKey' | 'certificate'>,
  next: Omit<Manifest, 'reflog' | 'certificate'>,
  reflog: Uint8Array,
): Promise<Manifest> {
  const manifest: Manifest = { ...next, certificate: certificate.hash, reflog: hashContent('sha1', reflog) }
  const bytes = formatManifest(manifest, privateKey, manifest.rootCatalog.algorithm)
  checkSignature(bytes, certificate)
  await storage.sync()
  await storage.replace('.cvmfsreflog', reflog)
  await storage.replace('.cvmfspublished', bytes)
  return manifest
}

/** No client would take a manifest without it. */
function checkSignature(manifest: Uint8Array, certificate: SigningCertificate): void {
  try {
    parseManifest(manifest).verify(certificate.pem)
  } catch (cause) {
    if (!(cause instanceof UserError) || cause.code !== 'CVMFS_SIGNATURE') throw cause
    throw new UserError('CVMFS_KEY', 'what signs the manifest does not belong to the certificate', {
      hint: 'NAME.key and NAME.crt must be a pair; an interrupted rotation ends with: baryon repository whitelist DIR --rotate',
      cause,
    })
  }
}

/** Copies a file of the storage; false when there is none. */
export async function copyFrom(storage: ObjectStorage, name: string, file: string): Promise<boolean> {
  const descriptor = openSync(file, 'wx')
  try {
    for await (const piece of storage.open(name)) writeSync(descriptor, piece)
    return true
  } catch (error) {
    if (error instanceof UserError && error.code === 'CVMFS_MISSING') return false
    throw error
  } finally {
    closeSync(descriptor)
  }
}
