import { totalmem } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { Need } from './large-requests.ts'
import type { EvaluationJob, EvaluationListeners, EvaluationOutcome } from './run-evaluation.ts'

/**
 * More levels than a sensible expression has, and few enough that a recursion without an end is found in a moment: the
 * stack itself holds some 3 million of the smallest calls, and takes ten times as long to fill because each scavenge
 * scans all of it.
 */
export const LARGE_STACK_DEPTH = 1_200_000

/**
 * Large from the start: each scavenge scans the whole stack. Where that is not deep, a larger one costs more in pages that
 * the system has to fill than it saves (6,879 packages: a tenth more at 128 than at 32).
 */
const SEMI_SPACE_MEGABYTES = { depth: 128, breadth: 32 } as const

/**
 * Runs an evaluation in a thread with a stack of 1 GB: enough for a million levels, as many as Nix takes, and with a
 * large heap.
 */
export function runWithLargeStack(
  job: EvaluationJob,
  need: Need,
  listeners: EvaluationListeners,
): Promise<EvaluationOutcome> {
  return new Promise((resolve, reject) => {
    const semiSpace = SEMI_SPACE_MEGABYTES[need]
    setFlagsFromString(`--max-semi-space-size=${semiSpace}`)
    setFlagsFromString(`--min-semi-space-size=${semiSpace}`)
    // V8 compiles a function that has returned some times, which in a recursion none has before its end.
    if (need === 'depth') setFlagsFromString('--always-sparkplug')
    // Who needs this evaluates much: the first collections of a heap that grows would find hardly anything to free.
    setFlagsFromString(`--initial-heap-size=${Math.min(2000, Math.round(totalmem() / 2 ** 23))}`)
    const { onLog: _, onBuildEvent: __, environment, ...request } = job.request
    const worker = new Worker(new URL('./large-stack-worker.ts', import.meta.url), {
      workerData: { ...job, stackDepth: LARGE_STACK_DEPTH, request: { ...request, environment: { ...environment } } },
      resourceLimits: { stackSizeMb: 1000, maxOldGenerationSizeMb: 16_000 },
    })
    let outcome: EvaluationOutcome | undefined
    worker.on('message', (message: LargeStackMessage) => {
      if (message.kind === 'log') listeners.onLog(message.text)
      else if (message.kind === 'event') listeners.onBuildEvent(message.event)
      else outcome = message.outcome
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      setFlagsFromString('--no-always-sparkplug')
      resolve(outcome ?? { kind: 'overflow', need })
    })
  })
}

export type LargeStackMessage =
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'outcome'; readonly outcome: EvaluationOutcome }
