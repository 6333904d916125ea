import { UserError } from '@baryon/format'

/** Of lb-run: nothing is found, and the platform is not for this machine. */
export const releaseStatus = { notFound: 64, unsupported: 66 } as const

/** An error whose exit status tools rely on: `baryon run` of releases ends as lb-run does. */
export class StatusError extends UserError {
  readonly status: number

  constructor(status: number, code: string, message: string, options: { readonly hint?: string } = {}) {
    super(code, message, options)
    this.status = status
  }
}
