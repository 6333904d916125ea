/** What a build did and where the time went: Baryon's own share apart from builders and downloads. */
import type { BuildReport, TimeBreakdown } from '@baryon/build'
import { formatCount, formatSeconds } from './format-quantity.ts'
import type { Paint } from './terminal.ts'

export interface BuildSummary {
  /** Whether there was anything to do. */
  readonly worked: boolean
  readonly record: {
    readonly built: readonly string[]
    readonly fetched: readonly string[]
    readonly substituted: readonly string[]
    readonly present: number
    readonly downloadedBytes: number
  }
  /** Seconds of each kind of work, summed over tasks that overlap; `elapsed` is what the clock says. */
  readonly seconds: Partial<TimeBreakdown> & { readonly elapsed: number }
}

export function emptySummary(present: number): BuildSummary {
  return {
    worked: false,
    record: { built: [], fetched: [], substituted: [], present, downloadedBytes: 0 },
    seconds: { elapsed: 0 },
  }
}

export function summarise(
  report: BuildReport,
  format: (path: BuildReport['built'][number]) => string,
  downloadedBytes: number,
): BuildSummary {
  const { built, fetched, substituted, present, breakdown, seconds } = report
  return {
    worked: built.length + fetched.length + substituted.length > 0,
    record: {
      built: built.map(format),
      fetched: fetched.map(format),
      substituted: substituted.map(format),
      present,
      downloadedBytes,
    },
    seconds: { ...breakdown, elapsed: seconds },
  }
}

/** The last lines of a build. */
export function summaryText(summary: BuildSummary & { readonly evaluation: number }, paint: Paint): string {
  const { record, seconds, evaluation } = summary
  const did = [
    record.built.length > 0 ? `${record.built.length} built` : '',
    record.fetched.length > 0 ? `${record.fetched.length} fetched` : '',
    record.substituted.length > 0 ? `${record.substituted.length} copied` : '',
  ].filter((part) => part !== '')
  const total = seconds.elapsed + evaluation
  const own = ownWork(summary.seconds, evaluation)
  const ownTotal = own.reduce((sum, [, value]) => sum + value, 0)
  const others = [
    ['builders', seconds.builders ?? 0],
    ['downloads', seconds.fetch ?? 0],
    ['waiting for others', seconds.locks ?? 0],
  ] as const
  const all = ownTotal + others.reduce((sum, [, value]) => sum + value, 0)
  const share = all > 0 ? ` (${Math.round((100 * ownTotal) / all)} % of all work)` : ''
  const detail = (parts: readonly (readonly [string, number])[]): string =>
    parts
      .filter(([, value]) => value >= 0.005)
      .map(([name, value]) => `${name} ${formatSeconds(value)}`)
      .join(', ')
  const there = record.present > 0 ? `, ${formatCount(record.present, 'result')} there before` : ''
  const lines = [`${paint.green('done')}: ${did.join(', ')} in ${formatSeconds(total)}${there}`]
  lines.push(paint.dim(`  work of others: ${detail(others) || 'none'}`))
  lines.push(paint.dim(`  Baryon's own: ${formatSeconds(ownTotal)}${share}: ${detail(own) || 'nothing to speak of'}`))
  return lines.join('\n')
}

function ownWork(seconds: Partial<TimeBreakdown>, evaluation: number): (readonly [string, number])[] {
  return [
    ['evaluating', evaluation],
    ['planning', seconds.plan ?? 0],
    ['unpacking', seconds.unpack ?? 0],
    ['sandboxes', seconds.prepare ?? 0],
    ['scanning and hashing', seconds.scan ?? 0],
    ['registering', seconds.register ?? 0],
    ['archiving sources', seconds.archive ?? 0],
  ]
}
