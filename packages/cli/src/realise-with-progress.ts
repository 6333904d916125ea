/** Builds targets while showing how it goes, and prints the end of the log of what failed. */
import { type BuildReport, RealiseError, type RealiseOptions, type RealiseTarget, realise } from '@baryon/build'
import type { Store } from '@baryon/store'
import { type BuildSummary, summarise } from './build-summary.ts'
import type { Context } from './command.ts'
import { createReporter } from './progress/reporter.ts'
import { realiseOptionsOf } from './realise-options.ts'
import { contextSubstituters } from './substituters.ts'

export async function realiseWithProgress(
  context: Context,
  store: Store,
  targets: readonly RealiseTarget[],
  options: RealiseOptions = {},
): Promise<BuildSummary> {
  const reporter = createReporter(context.terminal, { verbose: context.verbose })
  let report: BuildReport
  try {
    const substituters = await contextSubstituters(context, store, reporter.report)
    const given = { ...realiseOptionsOf(context), substituters }
    report = await realise(store, targets, { ...given, ...options, onEvent: reporter.report })
  } catch (error) {
    reporter.close()
    if (error instanceof RealiseError) showFailures(context, store, error)
    throw error
  }
  reporter.close()
  return summarise(report, (path) => store.format(path), reporter.progress.bytes)
}

/** The logs' ends and, with several failures, all but the first, which is printed as the error of the command. */
function showFailures(context: Context, store: Store, error: RealiseError): void {
  const { terminal, verbose } = context
  error.failures.forEach((failure, index) => {
    const details = failure as Partial<{
      logTail: readonly string[]
      derivation: Parameters<Store['format']>[0]
      keptDirectory: string
    }>
    const tail = details.logTail ?? []
    if (tail.length > 0 && !verbose) {
      const name = details.derivation?.name.replace(/\.drv$/, '') ?? 'build'
      terminal.err(
        `${terminal.errPaint.dim(`last lines of ${name}:`)}\n${tail.map((line) => `  ${terminal.foreign(line)}\n`).join('')}`,
      )
    }
    if (details.derivation !== undefined && tail.length > 0) {
      terminal.err(`${terminal.errPaint.dim(`whole log: baryon log ${store.format(details.derivation)}`)}\n`)
    }
    if (index > 0) terminal.err(`${terminal.errPaint.red('also failed:')} ${failure.message}\n`)
  })
}
