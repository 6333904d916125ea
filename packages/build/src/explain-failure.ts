import { statfsSync } from 'node:fs'
import { formatStorePath, isSystemError, UserError } from '@baryon/format'
import { codedError, type Store } from '@baryon/store'
import type { BuildContext, BuildJob } from './build-derivation.ts'
import { BuildError } from './build-error.ts'
import { isBuiltin } from './builtin/builtin.ts'
import { derivationName } from './plan.ts'
import type { BuilderOutcome } from './run-builder.ts'
import type { WorkDirectory } from './sandbox/sandbox.ts'
import { keepBuildDirectory } from './work-directory.ts'

/** Gives an error the derivation, and keeps the build directory when asked to. */
export function explainFailure(
  context: BuildContext,
  job: BuildJob,
  work: WorkDirectory | undefined,
  cause: unknown,
): unknown {
  if (context.signal.aborted) return context.signal.reason
  const error = codedError(context.store.physicalDirectory, cause)
  let result = error
  if (isFullError(error)) {
    result = new BuildError(
      'DISK_FULL',
      `the disk of '${context.store.physicalDirectory}' is full while building '${shownDerivation(context.store, job)}'`,
      {
        derivation: job.path,
        hint: 'free space, for instance by `baryon store gc`, or choose another root',
        cause: error,
      },
    )
  } else if (
    error instanceof UserError &&
    !(error instanceof BuildError) &&
    !error.code.startsWith('SANDBOX_') &&
    error.code !== 'NO_SANDBOX'
  ) {
    result = new BuildError(error.code, `'${shownDerivation(context.store, job)}': ${error.message}`, {
      derivation: job.path,
      hint: error.hint,
      cause: error,
    })
  }
  if (
    work === undefined ||
    !context.settings.keepFailed ||
    !(result instanceof BuildError) ||
    isBuiltin(job.derivation) ||
    result.keptDirectory !== undefined
  )
    return result
  const kept = keepBuildDirectory(context.store, work, derivationName(job.path))
  context.report({ kind: 'notice', message: `build directory kept: ${kept}` })
  const { code, message, derivation, status, logTail, hint } = result
  return new BuildError(code, message, { derivation, status, logTail, hint, cause: result.cause, keptDirectory: kept })
}

/** What is wrong with how a builder ended; undefined when nothing is. */
export function outcomeError(
  { settings, store }: BuildContext,
  job: BuildJob,
  work: WorkDirectory,
  outcome: BuilderOutcome,
): BuildError | undefined {
  const { status, killed, logTail } = outcome
  const details = { derivation: job.path, status, logTail }
  const name = shownDerivation(store, job)
  if (killed === 'timeout') {
    return new BuildError('BUILD_TIMEOUT', `build of '${name}' took more than ${settings.timeout} s and was ended`, {
      ...details,
      hint: 'allow it more time, or look in the log for what hangs',
    })
  }
  if (killed === 'silent') {
    return new BuildError('BUILD_SILENT', `build of '${name}' said nothing for ${settings.maxSilent} s and was ended`, {
      ...details,
      hint: 'allow it to be silent for longer, or look in the log for what hangs',
    })
  }
  if (status === 0) return undefined
  if (isFull(store.physicalDirectory) || isFull(work.build)) {
    return new BuildError(
      'DISK_FULL',
      `build of '${name}' failed with ${statusText(status)}, and the disk of '${store.physicalDirectory}' is full`,
      {
        ...details,
        hint: 'free space, for instance by `baryon store gc`, or choose another root',
      },
    )
  }
  return new BuildError('BUILD_FAILED', `build of '${name}' failed with ${statusText(status)}`, {
    ...details,
    hint: `see the whole log with: baryon log ${name}`,
  })
}

/** Full text of the derivation, for messages. */
export function shownDerivation(store: Store, { path }: BuildJob): string {
  return formatStorePath(store.storeDirectory, path)
}

function isFullError(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (isSystemError(at, 'ENOSPC', 'EDQUOT')) return true
  return false
}

/** Little enough that a builder may have failed for it. */
function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < 1 << 20
}

function statusText(status: number): string {
  return status > 128 && status < 128 + 65 ? `signal ${status - 128}` : `status ${status}`
}
