import { parentPort } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import { type JobKind, type JobKinds, runJob } from './transfer-job.ts'

/** What goes to a worker, which does several jobs at once, and what comes back. Errors lose their class on the way, so they travel as data. */
export type ToWorker =
  | {
      readonly id: number
      readonly kind: JobKind
      readonly request: JobKinds[JobKind]['request']
      /** One number, which becomes 1 when the job is to end. */
      readonly flag: Int32Array
    }
  | { readonly id: number; readonly kind: 'abort' }

export type FromWorker =
  | { readonly id: number; readonly kind: 'bytes'; readonly bytes: number }
  | { readonly id: number; readonly kind: 'done'; readonly result: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly error: ErrorData }

export interface ErrorData {
  readonly code: string | undefined
  readonly message: string
  readonly hint: string | undefined
}

/** More often would cost more than it tells. */
const REPORT_MILLISECONDS = 100

const running = new Map<number, AbortController>()

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'abort') running.get(message.id)?.abort()
  else void perform(message.id, message.kind, message.request, message.flag)
})

async function perform(
  id: number,
  kind: JobKind,
  request: JobKinds[JobKind]['request'],
  flag: Int32Array,
): Promise<void> {
  const controller = new AbortController()
  running.set(id, controller)
  let reported = 0
  const onBytes = (bytes: number): void => {
    const now = performance.now()
    if (now - reported < REPORT_MILLISECONDS) return
    reported = now
    post({ id, kind: 'bytes', bytes })
  }
  const isAborted = (): boolean => Atomics.load(flag, 0) !== 0
  const answer = await runJob(kind, request, { signal: controller.signal, onBytes, isAborted }).then(
    (result): FromWorker => ({ id, kind: 'done', result }),
    (error: unknown): FromWorker => ({ id, kind: 'failed', error: asData(error) }),
  )
  running.delete(id)
  post(answer)
}

function post(message: FromWorker): void {
  parentPort!.postMessage(message)
}

function asData(error: unknown): ErrorData {
  if (error instanceof UserError) return { code: error.code, message: error.message, hint: error.hint }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: undefined, message, hint: undefined }
}
