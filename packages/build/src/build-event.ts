import type { StorePath } from '@baryon/format'

/** `build` takes a build slot, `fetch` waits for the network, `substitute` copies a finished path. */
export type Activity = 'build' | 'fetch' | 'substitute'

/** What happens during `realise`, in order. `task` is the base name of a derivation, or of a path that is substituted. */
export type BuildEvent =
  | {
      readonly kind: 'planned'
      readonly builds: number
      readonly fetches: number
      readonly substitutes: number
      /** Bytes that substitutes must download, as far as known. */
      readonly downloadBytes: number
      /** Seconds that the rest is expected to take with the jobs at hand, from remembered durations. */
      readonly expectedSeconds: number
    }
  | {
      readonly kind: 'started'
      readonly task: string
      readonly activity: Activity
      /** Name to show, without digest and `.drv`. */
      readonly name: string
      readonly derivation: StorePath | undefined
      /** Seconds that it took the last time; undefined when it is the first. */
      readonly expectedSeconds: number | undefined
    }
  /** Another process has it in hand; its result will be taken. */
  | { readonly kind: 'waiting'; readonly task: string }
  | { readonly kind: 'phase'; readonly task: string; readonly phase: string }
  /** Complete lines without their ends, UTF-8 with replacements. */
  | { readonly kind: 'log'; readonly task: string; readonly lines: readonly string[] }
  /** Bytes of a download; `total` when known. */
  | { readonly kind: 'progress'; readonly task: string; readonly bytes: number; readonly total: number | undefined }
  | {
      readonly kind: 'finished'
      readonly task: string
      readonly activity: Activity
      readonly seconds: number
      /** `present`: somebody else made it while we waited. */
      readonly outcome: 'made' | 'present' | 'checked' | 'repaired'
    }
  | {
      readonly kind: 'failed'
      readonly task: string
      readonly activity: Activity
      readonly seconds: number
      readonly error: Error
    }
  /** To be said loudly: lost isolation, a substituter that does not answer, a kept directory. */
  | { readonly kind: 'notice'; readonly message: string }

export type BuildReporter = (event: BuildEvent) => void

/** Where our own time went, in seconds, summed over tasks (which overlap). */
export interface TimeBreakdown {
  plan: number
  /** Waiting for downloads. */
  fetch: number
  unpack: number
  /** Setting up sandboxes. */
  prepare: number
  /** Builders at work: not our own time. */
  builders: number
  /** Canonical modes, reference scan and hash: one pass. */
  scan: number
  /** Moving into the store and writing the database. */
  register: number
  /** Copying sources into the source archive. */
  archive: number
  /** Waiting for locks of other processes. */
  locks: number
}

export function emptyBreakdown(): TimeBreakdown {
  return { plan: 0, fetch: 0, unpack: 0, prepare: 0, builders: 0, scan: 0, register: 0, archive: 0, locks: 0 }
}
