import type { JobKind, JobKinds } from './job.ts'

/** What goes to a worker, and what comes back; errors lose their class on the way, so they travel as data. */
export interface JobMessage {
  readonly kind: JobKind
  readonly request: JobKinds[JobKind]['request']
}

export type JobAnswer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false
      readonly code: string | undefined
      readonly message: string
      readonly hint: string | undefined
      readonly systemCode: string | undefined
    }

/** Sent instead of a job: the thread is to end. */
export const END = 'end'
