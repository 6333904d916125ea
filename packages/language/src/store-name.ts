import { ILLEGAL_IN_NAME, MAX_NAME_LENGTH, NAME_HINT } from '@baryon/format'
import { EvaluationError } from './errors.ts'
import type { EvalSettings } from './evaluator.ts'

/**
 * Refuses a name that no store path may have, as today's Nix does before it computes anything; 2.8 finds it when it makes the path. `message` says
 * it, given what is wrong with the name; the nearest caller adds its position.
 */
export function checkStoreName(
  { newerFeatures }: Pick<EvalSettings, 'newerFeatures'>,
  name: string,
  message: (problem: string) => string,
): void {
  const problem = newerFeatures ? problemOf(name) : undefined
  if (problem === undefined) return
  const error = new EvaluationError('STORE_PATH_NAME_INVALID', message(problem), undefined, [], { hint: NAME_HINT })
  error.wantsPosition = true
  throw error
}

/** In the words of today's Nix. */
function problemOf(name: string): string | undefined {
  if (name === '') return 'name must not be empty'
  if (name.length > MAX_NAME_LENGTH) return `name '${name}' must be no longer than ${MAX_NAME_LENGTH} characters`
  const dots = /^(\.\.?)(-|$)/.exec(name)
  if (dots !== null) {
    return dots[2] === ''
      ? `name '${name}' is not valid`
      : `name '${name}' is not valid: first dash-separated component must not be '${dots[1]}'`
  }
  const illegal = ILLEGAL_IN_NAME.exec(name)
  return illegal === null ? undefined : `name '${name}' contains illegal character '${illegal[0]}'`
}
