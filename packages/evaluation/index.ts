export { type Dependencies, dependenciesHold } from './src/dependencies.ts'
export { evaluate } from './src/evaluate.ts'
export { evaluateJobs } from './src/evaluate-jobs.ts'
export { EvaluationFailure } from './src/evaluation-failure.ts'
export type { JobsRequest } from './src/jobs/job-request.ts'
export type { JobsListeners, JobsProgress } from './src/jobs/run-jobs.ts'
export {
  lintNames,
  NEWEST_NIX_VERSION,
  type NixVersion,
  parseCallDepth,
  parseLints,
  parseNixVersion,
} from './src/language-settings.ts'
export {
  DEFAULT_SETTINGS,
  type DerivationAttributeName,
  type EvaluationArgument,
  type EvaluationRequest,
  type EvaluationResult,
  type EvaluationSettings,
  type EvaluationSource,
  type EvaluationStore,
  type FoundDerivation,
  type OutputKind,
} from './src/request.ts'
