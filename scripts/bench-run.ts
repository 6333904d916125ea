/** The rows of releases and projects: what the start of a program and an environment cost, and questions about many releases. See bench-run-figures.ts. */
import { join } from 'node:path'
import type { Row } from './bench.ts'

export function runRows(root: string, work: string): readonly Row[] {
  const row = (name: string, what: string): Row => ({
    name,
    figure: [process.execPath, join(root, 'scripts/bench-run-figures.ts'), what, join(work, `run-${what}`)],
  })
  return [
    row('bin/run over plain exec', 'shim'),
    row('baryon run over plain exec', 'namespace'),
    row('run TASK, unchanged lock', 'task'),
    row('environment, 100,000 files', 'environment'),
    row('the same, all side by side', 'flat'),
    row('affected, 1,000 releases', 'affected'),
    { name: 'failing calls, 30 libraries', figure: [process.execPath, join(root, 'scripts/bench-lookups.ts')] },
  ]
}
