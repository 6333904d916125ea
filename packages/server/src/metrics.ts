/** Counters and gauges in the text form of Prometheus (exposition format 0.0.4). */

export interface Metrics {
  /** Adds to a counter; `labels` are as they stand between braces, `kind="nar",status="200"`. */
  add(name: CounterName, labels: string, by?: number): void
  /** A value that is looked up when somebody asks. */
  gauge(name: string, help: string, read: () => number): void
  format(): string
}

export type CounterName = keyof typeof COUNTERS

const COUNTERS = {
  baryon_cache_requests_total: 'Requests answered, by what they were for and how.',
  baryon_cache_sent_bytes_total: 'Bytes of bodies sent.',
  baryon_cache_received_bytes_total: 'Bytes of bodies received.',
  baryon_cache_cut_responses_total: 'Responses that ended before their end: the client or the path went away.',
  baryon_cache_internal_errors_total: 'Errors that are faults of the server or of its store.',
  baryon_cache_bad_connections_total: 'Connections closed for what is no HTTP, for headers too long, or for silence.',
  baryon_cache_imported_paths_total: 'Paths registered from uploads.',
} as const

export function createMetrics(): Metrics {
  const counters = new Map<CounterName, Map<string, number>>()
  const gauges: { readonly name: string; readonly help: string; readonly read: () => number }[] = []
  return {
    add: (name, labels, by = 1) => {
      let values = counters.get(name)
      if (values === undefined) counters.set(name, (values = new Map()))
      values.set(labels, (values.get(labels) ?? 0) + by)
    },
    gauge: (name, help, read) => void gauges.push({ name, help, read }),
    format: () => {
      const lines: string[] = []
      for (const [name, help] of Object.entries(COUNTERS)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`)
        const values = counters.get(name as CounterName) ?? new Map([['', 0]])
        for (const [labels, value] of values) lines.push(`${name}${labels === '' ? '' : `{${labels}}`} ${value}`)
      }
      for (const { name, help, read } of gauges)
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`)
      return `${lines.join('\n')}\n`
    },
  }
}
