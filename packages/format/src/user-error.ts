/**
 * The one class of errors that a user can cause and mend.
 *
 * `code` is stable and upper case (`HASH_MISMATCH`), `message` says what happened with the value that caused it,
 * `hint` says what to do next. A plain `Error` that reaches the top is a bug of ours.
 * The command line prints `error[CODE]: message` and `hint: …`, and ends with status 1.
 */
export class UserError extends Error {
  readonly code: string
  readonly hint: string | undefined

  constructor(code: string, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'UserError'
    this.code = code
    this.hint = options.hint
  }
}

/** True for an error of the operating system with one of the given codes (`ENOENT`, …). */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
