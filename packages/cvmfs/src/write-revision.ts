import type { KeyObject } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@baryon/format'
import { type ContentHash, hashContent } from './content-hash.ts'
import type { Tag } from './history.ts'
import { writeHistory } from './history-writer.ts'
import type { Ingester } from './ingest.ts'
import { formatManifest, type Manifest } from './manifest.ts'
import type { ObjectStorage } from './object-storage.ts'
import { type Reference, writeReflog } from './reflog.ts'
import type { Repository } from './repository.ts'

export interface RevisionWriter {
  readonly storage: ObjectStorage
  readonly repository: Repository
  readonly ingester: Ingester
  readonly privateKey: KeyObject
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
  const { storage, repository, ingester, now } = writer
  const { manifest: last } = repository
  const { rootCatalog, rootCatalogSize, revision } = next
  const historyFile = join(writer.scratch, 'history')
  writeHistory(historyFile, last.name, next.tags, last.history)
  const history = await ingester.bytes(readFileSync(historyFile), 'history')
  const reflog = await newReflog(writer, [
    { hash: rootCatalog, kind: 'catalog', timestamp: now },
    { hash: history, kind: 'history', timestamp: now },
  ])
  const manifest: Manifest = {
    ...last,
    rootCatalog,
    rootCatalogSize,
    revision,
    history,
    reflog: hashContent('sha1', reflog),
    // A clock that was set back must not make clients refuse the revision.
    published: Math.max(now, last.published ?? 0),
  }
  storage.sync()
  storage.replace('.cvmfsreflog', reflog)
  storage.replace('.cvmfspublished', formatManifest(manifest, writer.privateKey, last.rootCatalog.algorithm))
  return manifest
}

async function newReflog(
  { storage, repository, scratch }: RevisionWriter,
  references: readonly Reference[],
): Promise<Buffer> {
  const former = join(scratch, 'former-reflog')
  const hasFormer = await copyFrom(storage, '.cvmfsreflog', former)
  const file = join(scratch, 'reflog')
  writeReflog(file, repository.name, hasFormer ? former : undefined, references)
  return readFileSync(file)
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
