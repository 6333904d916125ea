import { UserError } from '@baryon/format'

/** What of an error passes from one thread to another. */
export interface ErrorRecord {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
}

/** The error of a record. It keeps the name of the class that it had, by which exit statuses are chosen. */
export function namedError({ name, code, message, hint }: ErrorRecord): UserError {
  const error = new UserError(code, message, hint === undefined ? {} : { hint })
  error.name = name
  return error
}
