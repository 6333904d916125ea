/** The thread behind `large-stack.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import type { LargeStackMessage } from './large-stack.ts'
import { type EvaluationJob, runEvaluation } from './run-evaluation.ts'

const post = (message: LargeStackMessage): void => parentPort?.postMessage(message)

const outcome = runEvaluation(workerData as EvaluationJob, {
  onLog: (text) => post({ kind: 'log', text }),
  onBuildEvent: (event) => post({ kind: 'event', event }),
})
post({ kind: 'outcome', outcome })
