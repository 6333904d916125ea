import { Worker } from 'node:worker_threads'
import type { EvaluationJob, EvaluationListeners, EvaluationOutcome } from './run-evaluation.ts'

/**
 * Runs an evaluation in a thread with a stack of 1 GB: enough for a million levels, as many as Nix takes. The semi-space
 * is large because each scavenge scans the whole stack.
 */
export function runWithLargeStack(job: EvaluationJob, listeners: EvaluationListeners): Promise<EvaluationOutcome> {
  return new Promise((resolve, reject) => {
    const { onLog: _, onBuildEvent: __, environment, ...request } = job.request
    const worker = new Worker(new URL('./large-stack-worker.ts', import.meta.url), {
      workerData: { ...job, request: { ...request, environment: { ...environment } } },
      resourceLimits: { stackSizeMb: 1000, maxYoungGenerationSizeMb: 384, maxOldGenerationSizeMb: 16_000 },
    })
    let outcome: EvaluationOutcome | undefined
    worker.on('message', (message: LargeStackMessage) => {
      if (message.kind === 'log') listeners.onLog(message.text)
      else if (message.kind === 'event') listeners.onBuildEvent(message.event)
      else outcome = message.outcome
    })
    worker.on('error', reject)
    worker.on('exit', () => resolve(outcome ?? { kind: 'overflow' }))
  })
}

export type LargeStackMessage =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'outcome'; readonly outcome: EvaluationOutcome }
