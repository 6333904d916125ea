import { UserError } from '@baryon/format'

/** An evaluation that ended with an error of the expression. */
export class EvaluationFailure extends UserError {
  /** The whole message as Nix prints it, with place and trace; bytes, without a final line break. */
  readonly report: string

  constructor(code: string, message: string, report: string, hint?: string) {
    super(code, message, hint === undefined ? {} : { hint })
    this.name = 'EvaluationFailure'
    this.report = report
  }
}
