/** How an error ends a command: what is printed, and the exit status. */
import { UserError } from '@baryon/format'
import { evaluationErrorText } from './evaluation-error-text.ts'
import { UsageError } from './parse-arguments.ts'
import { StatusError } from './status-error.ts'
import type { Terminal } from './terminal.ts'

/** Statuses of the command line: nothing else is ever returned, but for the status of a command that was run. */
export const status = { done: 0, userError: 1, usage: 2, buildFailed: 100, interrupted: 130 } as const

export interface ErrorReport {
  readonly command: string | undefined
  readonly usage: string | undefined
  readonly json: boolean
  readonly debug: boolean
  readonly verbose: boolean
}

/** Prints `error[CODE]: message` and `hint: …`, and gives the exit status. */
export function reportError(error: unknown, terminal: Terminal, report: ErrorReport): number {
  const paint = terminal.errPaint
  const code = codeOf(error)
  const evaluation = evaluationErrorText(error)
  const message = evaluation?.message ?? (error instanceof Error ? error.message : String(error))
  const hint = evaluation?.hint ?? hintOf(error, report)
  if (report.json) {
    terminal.out(`${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`)
  }
  terminal.err(`${paint.red(`error[${code}]:`)} ${terminal.foreign(evaluation?.report ?? message).trimEnd()}\n`)
  if (hint !== undefined) terminal.err(`${paint.cyan('hint:')} ${terminal.foreign(hint)}\n`)
  const internal = !(error instanceof UserError) && code === 'INTERNAL'
  if (report.debug || internal) terminal.err(`${stackOf(error)}\n`)
  return statusOf(error)
}

export function statusOf(error: unknown): number {
  if (error instanceof UsageError) return status.usage
  if (error instanceof StatusError) return error.status
  if (isAbort(error)) return status.interrupted
  // The classes live in packages that a command may not have loaded.
  if (error instanceof Error && (error.name === 'BuildError' || error.name === 'RealiseError')) {
    const failures = (error as { readonly failures?: readonly unknown[] }).failures ?? []
    return failures.some(isAbort) ? status.interrupted : status.buildFailed
  }
  return status.userError
}

export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof UserError && error.code === 'INTERRUPTED'))
  )
}

function codeOf(error: unknown): string {
  if (error instanceof UserError) return error.code
  if (isAbort(error)) return 'INTERRUPTED'
  const system = error as { readonly code?: unknown; readonly syscall?: unknown } | undefined
  if (typeof system?.code === 'string' && typeof system.syscall === 'string') return system.code
  return 'INTERNAL'
}

function hintOf(error: unknown, report: ErrorReport): string | undefined {
  if (error instanceof UsageError) {
    const usage = error.usage ?? report.usage
    const help = `usage: ${usage ?? 'baryon COMMAND …'} (baryon ${report.command === undefined ? '' : `${report.command} `}--help shows more)`
    return error.hint === undefined ? help : `${error.hint}\n${help}`
  }
  if (error instanceof UserError) return error.hint
  switch (codeOf(error)) {
    case 'INTERNAL':
      return 'this is a fault of Baryon; please report it with the lines below'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full: baryon store gc frees what nothing needs, or choose another place with --root'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'the place cannot be written by this user: choose another with --root DIR or BARYON_ROOT'
    default:
      return undefined
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause) || String(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
