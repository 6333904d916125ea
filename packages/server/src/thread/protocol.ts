/** What the serving thread asks of the others, as plain data. */
import type { NewPathInfo, StoreLocation } from '@baryon/store'
import type { BuildLog } from '../build-log.ts'

/** Where a stream's bytes come from. */
export type SourceSpec =
  | { readonly kind: 'nar'; readonly path: string; readonly start: number; readonly end: number }
  | { readonly kind: 'log'; readonly log: BuildLog; readonly decode: boolean }

export interface Jobs {
  /** Streams are numbered by the caller. The buffer has two halves, which are filled in turn. */
  readonly open: {
    readonly request: { readonly stream: number; readonly source: SourceSpec; readonly buffer: SharedArrayBuffer }
    readonly result: null
  }
  /** Bytes now in that half; 0 at the end. */
  readonly fill: { readonly request: { readonly stream: number; readonly half: 0 | 1 }; readonly result: number }
  readonly close: { readonly request: { readonly stream: number }; readonly result: null }
  /** Bytes of the listing. */
  readonly list: { readonly request: { readonly path: string }; readonly result: Uint8Array }
  /** Makes the path (a base name) a temporary root, and gives a number by which to release it. */
  readonly hold: { readonly request: { readonly baseName: string }; readonly result: number }
  readonly release: { readonly request: { readonly hold: number }; readonly result: null }
  /** Puts an uploaded file into the store. */
  readonly import: { readonly request: ImportRequest; readonly result: null }
  /** Base name of a valid path that has the debug file of that build-id. */
  readonly findDebugInfo: { readonly request: { readonly buildId: string }; readonly result: string | undefined }
}

export interface ImportRequest {
  readonly file: string
  readonly compression: string
  readonly info: NewPathInfo
}

export type JobKind = keyof Jobs
export type Request<K extends JobKind> = Jobs[K]['request']
export type Result<K extends JobKind> = Jobs[K]['result']

export interface JobMessage {
  readonly id: number
  readonly kind: JobKind
  readonly request: unknown
}

/** Errors lose their class on the way between threads, so they travel as data. */
export type JobAnswer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ErrorData }

export interface ErrorData {
  /** Of a `UserError`. */
  readonly code: string | undefined
  readonly message: string
  readonly hint: string | undefined
  /** Of the operating system, of the error or of what caused it. */
  readonly systemCode: string | undefined
}

/** What a thread opens for itself. */
export interface ThreadData {
  readonly location: StoreLocation
}
