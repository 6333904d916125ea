import { parentPort } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import { closeStores, type JobKind, runJob } from './job.ts'
import { END, type JobAnswer, type JobMessage } from './message.ts'

parentPort?.on('message', (message: JobMessage | typeof END) => {
  if (message === END) {
    closeStores()
    parentPort!.close()
    return
  }
  void answer(message.kind, message.request).then((result) => parentPort!.postMessage(result))
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
