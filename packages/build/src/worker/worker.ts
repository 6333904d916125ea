import { parentPort } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import { type JobKind, type JobKinds, runJob } from './job.ts'

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

parentPort?.on('message', ({ kind, request }: JobMessage) => {
  void answer(kind, request).then((message) => parentPort!.postMessage(message))
})

async function answer(kind: JobKind, request: JobMessage['request']): Promise<JobAnswer> {
  try {
    return { ok: true, result: await runJob(kind, request) }
  } catch (error) {
    const user = error instanceof UserError ? error : undefined
    return {
      ok: false,
      code: user?.code,
      message:
        error instanceof Error ? (user === undefined ? (error.stack ?? error.message) : error.message) : String(error),
      hint: user?.hint,
      systemCode: systemCodeOf(error),
    }
  }
}

/** The system's code of the error or of what caused it (`ENOSPC`). */
function systemCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && !(at instanceof UserError)) return at.code
  }
  return undefined
}
