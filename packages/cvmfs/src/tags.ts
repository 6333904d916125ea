/** Names of revisions: kept in the history, which is written anew with each change. */
import { UserError } from '@baryon/format'
import type { Tag } from './history.ts'
import { createIngester } from './ingest.ts'
import type { Manifest } from './manifest.ts'
import { nextCertificate } from './next-certificate.ts'
import type { PublishOptions } from './publish.ts'
import { openRepository } from './repository.ts'
import { storedMetainfo } from './stored-metainfo.ts'
import { writeRevision } from './write-revision.ts'

/** The two that every publish moves. */
export const TRUNK = 'trunk'
export const TRUNK_PREVIOUS = 'trunk-previous'

export type TagChange =
  /** Names the current revision, or another one that has a tag. */
  | { readonly kind: 'add'; readonly name: string; readonly description: string; readonly of?: string | undefined }
  | { readonly kind: 'remove'; readonly name: string }

/** Changes the tags of the current revision, which stays what it is. Throws `CVMFS_TAG`, `CVMFS_REVISION`, `CVMFS_LOCKED`. */
export async function changeTags(options: PublishOptions, changes: readonly TagChange[]): Promise<Manifest> {
  const { storage, publicKeys, cacheDirectory, signal } = options
  const lock = await storage.lock()
  try {
    const repository = await openRepository({ source: storage, publicKeys, cacheDirectory, signal })
    const { manifest } = repository
    const now = Math.floor((options.now ?? Date.now()) / 1000)
    let tags = await repository.tags(signal)
    for (const change of changes) tags = changed(tags, change, manifest, now)
    const { rootCatalog, rootCatalogSize, revision } = manifest
    const ingester = createIngester(storage, { algorithm: rootCatalog.algorithm, isCompressed: true })
    try {
      const certificate = await nextCertificate(repository, ingester, options.certificate)
      const metainfo = await storedMetainfo(repository, ingester)
      return await writeRevision(
        {
          storage,
          last: { ...manifest, metainfo },
          ingester,
          privateKey: options.privateKey,
          certificate,
          scratch: lock.scratch,
          now,
        },
        { rootCatalog, rootCatalogSize, revision, tags },
      )
    } finally {
      ingester.close()
    }
  } finally {
    await lock.release()
  }
}

/** The tags of a new revision: the trunk moves. */
export function movedTrunk(tags: readonly Tag[], current: Omit<Tag, 'name' | 'description'>): Tag[] {
  const trunk = tags.find(({ name }) => name === TRUNK)
  return [
    ...tags.filter(({ name }) => name !== TRUNK && name !== TRUNK_PREVIOUS),
    { ...current, name: TRUNK, description: 'current HEAD' },
    ...(trunk === undefined ? [] : [{ ...trunk, name: TRUNK_PREVIOUS, description: 'default undo target' }]),
  ]
}

export function addTag(tags: readonly Tag[], tag: Tag): Tag[] {
  if (!/^[A-Za-z0-9._+@-]{1,255}$/.test(tag.name)) {
    throw new UserError('CVMFS_TAG', `'${tag.name}' is no name of a tag`, {
      hint: 'letters, digits, dots, dashes, underscores, + and @',
    })
  }
  if (tags.some(({ name }) => name === tag.name)) {
    throw new UserError('CVMFS_TAG', `there is a tag ${tag.name} already`, { hint: 'choose another name' })
  }
  return [...tags, tag]
}

function changed(tags: readonly Tag[], change: TagChange, manifest: Manifest, now: number): Tag[] {
  const { name } = change
  if (name === TRUNK || name === TRUNK_PREVIOUS) {
    throw new UserError('CVMFS_TAG', `${name} is moved by each publish, and by nothing else`)
  }
  if (change.kind === 'remove') {
    const rest = tags.filter((tag) => tag.name !== name)
    if (rest.length === tags.length) {
      throw new UserError('CVMFS_TAG', `there is no tag ${name}`, {
        hint: 'baryon repository log shows those that there are',
      })
    }
    return rest
  }
  const { description, of } = change
  if (of === undefined) {
    const { rootCatalog, rootCatalogSize: size, revision } = manifest
    return addTag(tags, { name, description, rootCatalog, size, revision, timestamp: manifest.published ?? now })
  }
  const found = tags.find((tag) => tag.name === of || String(tag.revision) === of)
  if (found === undefined) {
    throw new UserError('CVMFS_REVISION', `there is no tag and no tagged revision '${of}'`, {
      hint: 'baryon repository log shows those that there are',
    })
  }
  return addTag(tags, { ...found, name, description })
}
