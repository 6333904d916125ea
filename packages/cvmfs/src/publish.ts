/**
 * A new revision from changes of the last one. Only catalogs on the way from the root to what changes are written anew; everything
 * else stays as it is, so that the cost does not depend on the size of the repository.
 *
 * Objects first, then catalogs from the leaves to the root, the reflog, and last the manifest: whoever reads meanwhile, and whoever reads after
 * a crash, sees the last revision.
 */
import { UserError } from '@baryon/format'
import type { HashAlgorithm } from './content-hash.ts'
import type { Manifest } from './manifest.ts'
import type { ObjectStorage } from './object-storage.ts'
import type { PreparedCatalogs } from './prepared-catalogs.ts'
import { openRepository } from './repository.ts'
import type { SigningKey } from './signing-key.ts'
import { Transaction } from './transaction.ts'
import type { TreeOptions } from './tree-source.ts'
import type { Nesting } from './tree-writer.ts'

export type Change =
  /** What is at `at` afterwards is what is in the directory, the link or the file on disk. */
  | ({
      readonly kind: 'tree'
      readonly at: string
      readonly from: string
      /** What is there already is the same, and stays. */
      readonly isImmutable?: boolean
      /**
       * Of what is immutable: a name that only trees with the same contents, names, modes and times have, such as the hash of a NAR. A nested
       * catalog that was made of such a tree, for the same place, is attached again from `preparedCatalogs`.
       */
      readonly contents?: () => string
    } & Nesting)
  /** There is a file with these contents at `at`, for all to read; `isImmutable` as above. */
  | { readonly kind: 'file'; readonly at: string; readonly bytes: () => Uint8Array; readonly isImmutable?: boolean }
  /** There is a symbolic link at `at`, to `target` (a byte string). One that is there already stays. */
  | { readonly kind: 'link'; readonly at: string; readonly target: string }
  /** There is a directory at `at`, with a catalog of its own if it is made now. */
  | { readonly kind: 'catalog'; readonly at: string }
  | { readonly kind: 'remove'; readonly at: string }

export interface PublishOptions extends TreeOptions {
  readonly storage: ObjectStorage
  readonly publicKeys: readonly (string | Uint8Array)[]
  /** Of the certificate. */
  readonly privateKey: SigningKey
  /** PEM; in the whitelist. Default: that of the last manifest. */
  readonly certificate?: string
  /** Verified objects and catalogs in work. */
  readonly cacheDirectory: string
  /** Where catalogs of immutable trees are kept from one publish to the next; default: nowhere. They need an `owner`, and no `readXattrs`. */
  readonly preparedCatalogs?: PreparedCatalogs | undefined
  readonly algorithm?: HashAlgorithm
  /** Default: contents are compressed. */
  readonly isCompressed?: boolean
  /** A tag or a tagged revision that the changes are made of, instead of the current one: without changes, a rollback. */
  readonly base?: string | undefined
  readonly tag?: { readonly name: string; readonly description: string } | undefined
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
  readonly signal?: AbortSignal
  /** Called now and then. */
  readonly onProgress?: (progress: PublishProgress) => void
}

export interface PublishProgress {
  readonly entries: number
  /** Bytes of contents that were read, and of objects that were new. */
  readonly plain: number
  readonly stored: number
  readonly objects: number
}

export interface PublishResult extends PublishProgress {
  readonly manifest: Manifest
  /** Catalogs that were written. */
  readonly catalogs: number
  /** Catalogs that were prepared before. What is in them counts as published, but was not read. */
  readonly attached: number
}

/**
 * Applies the changes in order and publishes; without a change of anything, and without a tag, there is no new revision. Throws
 * `CVMFS_LOCKED` when somebody else publishes.
 */
export async function publish(options: PublishOptions, changes: readonly Change[]): Promise<PublishResult> {
  const lock = await options.storage.lock()
  try {
    const repository = await openRepository({
      source: options.storage,
      publicKeys: options.publicKeys,
      cacheDirectory: options.cacheDirectory,
      signal: options.signal,
    })
    const revision = await repository.revision(options.base)
    try {
      const transaction = new Transaction(options, repository, revision, lock.scratch)
      try {
        for (const change of changes) await transaction.apply(change)
        return transaction.hasChanges || options.tag !== undefined || options.base !== undefined
          ? await transaction.commit()
          : transaction.nothing()
      } finally {
        transaction.close()
      }
    } catch (error) {
      // On a disk that stays full even a collection of garbage has no room for what it writes.
      if (error instanceof UserError && error.code === 'DISK_FULL') await options.storage.discard?.()
      throw error
    } finally {
      await revision.close()
    }
  } finally {
    await lock.release()
  }
}
