import { type StorePath, UserError } from '@baryon/format'
import type { BuildReport } from './realise.ts'

/**
 * A derivation that could not be built. Codes: `BUILD_FAILED` (the builder ended with a status), `BUILD_TIMEOUT`,
 * `BUILD_SILENT`, `OUTPUT_MISSING`, `HASH_MISMATCH`, `OUTPUT_REFERENCES`, `OUTPUT_CYCLE`, `NOT_DETERMINISTIC`, `DISK_FULL`, …;
 * `DEPENDENCY_FAILED` for what could not be tried.
 */
export class BuildError extends UserError {
  readonly derivation: StorePath
  /** As a shell would say it; undefined when the builder was not what failed. */
  readonly status: number | undefined
  /** The last lines of its log. */
  readonly logTail: readonly string[]
  /** Where the build directory was kept. */
  readonly keptDirectory: string | undefined

  constructor(code: string, message: string, details: BuildErrorDetails) {
    super(code, message, { ...(details.hint === undefined ? {} : { hint: details.hint }), cause: details.cause })
    this.name = 'BuildError'
    this.derivation = details.derivation
    this.status = details.status
    this.logTail = details.logTail ?? []
    this.keptDirectory = details.keptDirectory
  }
}

export interface BuildErrorDetails {
  readonly derivation: StorePath
  readonly status?: number | undefined
  readonly logTail?: readonly string[] | undefined
  readonly keptDirectory?: string | undefined
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** `realise` did not make everything: `failures` in the order in which they happened, `report` with what was made. */
export class RealiseError extends UserError {
  readonly failures: readonly Error[]
  readonly report: BuildReport

  constructor(failures: readonly Error[], report: BuildReport) {
    const [first] = failures
    const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
    super(
      first instanceof UserError ? first.code : 'BUILD_FAILED',
      `${first?.message ?? 'nothing could be built'}${more}`,
      { ...(first instanceof UserError && first.hint !== undefined ? { hint: first.hint } : {}), cause: first },
    )
    this.name = 'RealiseError'
    this.failures = failures
    this.report = report
  }
}
