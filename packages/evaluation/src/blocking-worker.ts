/** The thread behind `blocking-call.ts`. */
import { type MessagePort, workerData } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import type { BlockingCall, WorkerMessage } from './blocking-call.ts'

const { port, signal } = workerData as { readonly port: MessagePort; readonly signal: Int32Array }

port.on('message', (call: BlockingCall) => {
  run(call).then(
    (result) => post({ kind: 'done', result }),
    (error: unknown) => post(failure(error)),
  )
})

function post(message: WorkerMessage): void {
  port.postMessage(message)
  Atomics.add(signal, 0, 1)
  Atomics.notify(signal, 0)
}

async function run(call: BlockingCall): Promise<unknown> {
  if (call.kind === 'fetch') {
    const { fetchForEvaluation } = await import('./fetch-for-evaluation.ts')
    return await fetchForEvaluation(call, (text) => post({ kind: 'log', text }))
  }
  const module: unknown = call.module === undefined ? await import('./realise-outputs.ts') : await import(call.module)
  const { realiseOutputs } = module as typeof import('./realise-outputs.ts')
  await realiseOutputs(call, (event) => post({ kind: 'event', event }))
  return undefined
}

function failure(error: unknown): WorkerMessage {
  if (error instanceof UserError) {
    const { name, code, message, hint } = error
    return { kind: 'failed', name, code, message, hint }
  }
  return {
    kind: 'failed',
    name: 'UserError',
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    hint: undefined,
  }
}
