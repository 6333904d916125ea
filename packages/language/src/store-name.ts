import { EvaluationError } from './errors.ts'

const MAX_LENGTH = 211

/** Why no store path may have a name, in the words of today's Nix; undefined when one may. */
export function storeNameProblem(name: string): string | undefined {
  if (name === '') return 'name must not be empty'
  if (name.length > MAX_LENGTH) return `name '${name}' must be no longer than ${MAX_LENGTH} characters`
  const dots = /^(\.\.?)(-|$)/.exec(name)
  if (dots !== null) {
    return dots[2] === ''
      ? `name '${name}' is not valid`
      : `name '${name}' is not valid: first dash-separated component must not be '${dots[1]}'`
  }
  const illegal = /[^0-9a-zA-Z+\-._?=]/.exec(name)
  return illegal === null ? undefined : `name '${name}' contains illegal character '${illegal[0]}'`
}

/** The error for such a name; the nearest caller adds its position. */
export function storeNameError(message: string): EvaluationError {
  const hint = 'names consist of letters, digits and + - . _ ? ='
  const error = new EvaluationError('STORE_PATH_NAME_INVALID', message, undefined, [], { hint })
  error.wantsPosition = true
  return error
}
