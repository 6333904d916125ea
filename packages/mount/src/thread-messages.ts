import type { NestedCatalog } from '@baryon/cvmfs'
import type { Request, Session } from '@baryon/fuse'
import type { NumberedCatalog } from './catalog-table.ts'

export interface ThreadData {
  /** Of /dev/fuse. */
  readonly descriptor: number
  readonly cacheDirectory: string
  readonly root: NestedCatalog
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** Where a trace is recorded. */
  readonly record: string | undefined
  /** One number, increased after each message to the thread and before anything that a request may need it for. */
  readonly posted: SharedArrayBuffer
}

/** Those that were numbered since the last message: each thread has to know them all. */
export type Directories = readonly (readonly [id: number, path: string])[]

export type ToThread =
  | { readonly kind: 'catalog'; readonly catalog: NumberedCatalog }
  | { readonly kind: 'directories'; readonly directories: Directories }
  | { readonly kind: 'revision'; readonly root: NestedCatalog }

export type FromThread =
  | { readonly kind: 'started'; readonly session: Session }
  | { readonly kind: 'request'; readonly request: Request; readonly directories: Directories }
  | { readonly kind: 'interrupt'; readonly unique: number }
  | {
      readonly kind: 'ended'
      readonly error?: { readonly code: string; readonly message: string; readonly hint: string | undefined }
    }
