import { UserError } from '@baryon/format'

/** An error whose exit status tools rely on: `baryon run` of releases ends as lb-run does. */
export class StatusError extends UserError {
  readonly status: number

  constructor(status: number, code: string, message: string, options: { readonly hint?: string } = {}) {
    super(code, message, options)
    this.status = status
  }
}
