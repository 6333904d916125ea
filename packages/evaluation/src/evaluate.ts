import { userCacheDirectory } from '@baryon/files'
import { answerKey, findAnswer, keepAnswer } from './answer-cache.ts'
import { EvaluationFailure } from './evaluation-failure.ts'
import { formerNeed, noteNeed } from './large-requests.ts'
import type { MemoryPlace } from './memory/memory-file.ts'
import { namedError } from './named-error.ts'
import type { EvaluationRequest, EvaluationResult } from './request.ts'
import type { EvaluationOutcome } from './run-evaluation.ts'
import { shortHash } from './short-hash.ts'

/**
 * Evaluates. When nothing changed since the last time, the answer comes from the cache, and the evaluator is not even
 * loaded. Needs more stack than there is: starts over in a thread with a large one. Errors of the expression are
 * `EvaluationFailure`s.
 */
export async function evaluate(request: EvaluationRequest): Promise<EvaluationResult> {
  const environment = request.environment ?? process.env
  const workingDirectory = request.workingDirectory ?? process.cwd()
  const cacheDirectory = request.cacheDirectory === undefined ? userCacheDirectory(environment) : request.cacheDirectory
  const answers = request.answerCache === false || cacheDirectory === null ? undefined : `${cacheDirectory}/answers`
  const key = cacheDirectory === null ? '' : answerKey(request, workingDirectory)
  if (answers !== undefined) {
    const answer = findAnswer(answers, key, environment)
    if (answer !== undefined) return answer
  }

  let logged = 0
  const log = request.onLog ?? ((message: string) => void process.stderr.write(Buffer.from(`${message}\n`, 'latin1')))
  const countedLog = (message: string): void => {
    logged++
    log(message)
  }
  const job = {
    request: { ...request, environment, workingDirectory },
    cacheDirectory,
    recording: answers !== undefined,
    memory: answers !== undefined && isRemembered(request) ? memoryPlace(cacheDirectory!, key) : undefined,
  }
  const listeners = { onLog: countedLog, onBuildEvent: request.onBuildEvent ?? (() => {}) }
  const former = cacheDirectory === null ? undefined : formerNeed(cacheDirectory, key)
  let outcome: EvaluationOutcome =
    former !== undefined
      ? { kind: 'overflow', need: former }
      : (await import('./run-evaluation.ts')).runEvaluation({ ...job, fileLimit: FILE_LIMIT }, listeners)
  if (outcome.kind === 'overflow') {
    const { need } = outcome
    const { runWithLargeStack } = await import('./large-stack.ts')
    // What was already shown is not shown again.
    let repeated = logged
    outcome = await runWithLargeStack(job, need, {
      ...listeners,
      onLog: (message) => {
        if (repeated > 0) repeated--
        else countedLog(message)
      },
    })
    if (former === undefined && cacheDirectory !== null && outcome.kind === 'done') noteNeed(cacheDirectory, key, need)
  }
  switch (outcome.kind) {
    case 'overflow':
      throw new EvaluationFailure('EVAL_STACK_OVERFLOW', OVERFLOW, `error: ${OVERFLOW}`)
    case 'failed':
      throw outcome.report === undefined
        ? namedError(outcome)
        : new EvaluationFailure(outcome.code, outcome.message, outcome.report, outcome.hint)
    case 'done':
      // Traces are part of what an evaluation does: such an answer is not kept.
      if (answers !== undefined && outcome.dependencies !== undefined && logged === 0) {
        keepAnswer(answers, key, outcome.result, outcome.dependencies)
      }
      return logged === 0 ? { ...outcome.result, dependencies: outcome.dependencies } : outcome.result
  }
}

/** With restrictions the evaluation itself decides which files may be read, and where attributes were written only it knows. */
function isRemembered({ settings, attributePositions, output }: EvaluationRequest): boolean {
  const isRestricted = settings?.restrictEval === true || settings?.pureEval === true
  return !isRestricted && attributePositions === undefined && output !== 'parse'
}

function memoryPlace(cacheDirectory: string, key: string): MemoryPlace {
  return { path: `${cacheDirectory}/values/${shortHash(key)}`, key }
}

/**
 * A package needs some 300 files of its package set, a system some 900, the whole set of 2017 7,800: it takes half as long
 * in a heap that is made for it, and fills the small stack just before its end.
 */
const FILE_LIMIT = 1200

const OVERFLOW = 'stack overflow (possible infinite recursion)'
