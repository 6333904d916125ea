/** What commands that copy paths print. */
import type { PullReport, PushReport } from '@baryon/cache'
import type { StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Outcome } from './command.ts'
import { formatBytes, formatCount } from './format-quantity.ts'

export function pushOutcome(store: Store, url: string, report: PushReport): Outcome {
  const { pushed, present, narBytes, fileBytes } = report
  const size = pushed.length === 0 ? '' : `, ${formatBytes(narBytes)} as ${formatBytes(fileBytes)}`
  return {
    data: { to: url, pushed: pushed.map((path) => store.format(path)), present, narBytes, fileBytes },
    text: `${formatCount(pushed.length, 'path')} pushed to ${url}${size}; ${present} there before`,
  }
}

export function pullOutcome(store: Store, url: string, wanted: readonly StorePath[], report: PullReport): Outcome {
  const { pulled, narBytes, fileBytes } = report
  return {
    data: {
      from: url,
      paths: wanted.map((path) => store.format(path)),
      pulled: pulled.map((path) => store.format(path)),
      narBytes,
      fileBytes,
    },
    text: wanted.map((path) => store.format(path)).join('\n'),
  }
}
