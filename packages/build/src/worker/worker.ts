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
    return { ok: false, ...describe(error) }
  }
}

function describe(error: unknown): Omit<JobAnswer & { ok: false }, 'ok'> {
  const system = systemErrorIn(error)
  const systemCode = system?.code
  if (error instanceof UserError) return { code: error.code, message: error.message, hint: error.hint, systemCode }
  // Of a bug the place is worth more than the words.
  const message =
    error instanceof Error ? (error === system ? error.message : (error.stack ?? error.message)) : `${error}`
  return { code: undefined, message, hint: undefined, systemCode }
}

/** What the system answered (`ENOSPC`): the error itself, or what caused it. */
function systemErrorIn(error: unknown): NodeJS.ErrnoException | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('syscall' in at) return at as NodeJS.ErrnoException
  }
  return undefined
}
