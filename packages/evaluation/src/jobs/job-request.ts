import type { EvaluationRequest } from '../request.ts'

/** A set of derivations to be evaluated one by one, in several processes. */
export interface JobsRequest {
  /** The root of the set, or with one attribute path a set below it; what can be written as JSON. */
  readonly evaluation: Omit<EvaluationRequest, 'output' | 'onLog' | 'onBuildEvent' | 'environment'>
  /** Processes that evaluate at the same time. */
  readonly workers: number
  /** Resident MiB at which a worker is replaced, between two jobs. */
  readonly maxMemory: number
  /** Also enters sets without `recurseForDerivations`. */
  readonly forceRecurse: boolean
  readonly meta: boolean
  readonly inputDerivations: boolean
  /** A function (text) that is applied to the root before anything is looked for. */
  readonly select: string | undefined
  /** A function (text) whose result for each derivation becomes its `extraValue`. */
  readonly apply: string | undefined
  /** A directory for links that keep the derivations from being collected. */
  readonly rootDirectory: string | undefined
}

/** Names from the root to a job; bytes. */
export type JobPath = readonly string[]
