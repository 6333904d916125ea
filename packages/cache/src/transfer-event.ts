import type { StorePath } from '@baryon/format'

/** What happens while paths are copied, in order. */
export type TransferEvent =
  /** `bytes`: of archives to pack, or of files to download as far as known. */
  | { readonly kind: 'planned'; readonly paths: number; readonly bytes: number }
  | { readonly kind: 'started'; readonly path: StorePath }
  | { readonly kind: 'progress'; readonly path: StorePath; readonly bytes: number; readonly total: number }
  | { readonly kind: 'finished'; readonly path: StorePath; readonly seconds: number }
  | { readonly kind: 'failed'; readonly path: StorePath; readonly seconds: number; readonly error: Error }
  /** To be said loudly: a cache that is left out, a path that had to come from elsewhere. */
  | { readonly kind: 'notice'; readonly message: string }

export type OnTransfer = (event: TransferEvent) => void
