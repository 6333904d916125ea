/**
 * Ten thousand kills (`BARYON_CRASH_KILLS`), spread over the scenarios. They take hours on a small machine: with
 * `BARYON_CRASH_COUNTS=FILE` the counts are kept there, and the next run goes on where this one ended.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { asUnprivileged } from '../unprivileged.ts'
import { KILLS_PER_STORE, type KillCounts, killWorkers, noKills } from './kill-workers.ts'
import { SCENARIOS } from './scenarios.ts'

const TOTAL = Number(process.env.BARYON_CRASH_KILLS ?? 10_000)
const COUNTS = process.env.BARYON_CRASH_COUNTS

if (asUnprivileged(import.meta.url)) {
  test(`${TOTAL} kills`, async (t) => {
    const names = Object.keys(SCENARIOS)
    const counts: Record<string, KillCounts> = Object.fromEntries(names.map((name) => [name, noKills()]))
    if (COUNTS !== undefined && existsSync(COUNTS)) Object.assign(counts, JSON.parse(readFileSync(COUNTS, 'utf8')))
    const share = Math.ceil(TOTAL / names.length)
    for (let goal = 0; goal < share; ) {
      goal = Math.min(share, goal + KILLS_PER_STORE)
      for (const name of names) {
        await killWorkers(await SCENARIOS[name]!(), { kills: goal, width: availableParallelism() + 1 }, counts[name])
        if (COUNTS !== undefined) writeFileSync(COUNTS, `${JSON.stringify(counts, undefined, 2)}\n`)
      }
    }
    for (const line of table(counts)) t.diagnostic(line)
    assert.ok(Object.values(counts).reduce((sum, { kills }) => sum + kills, 0) >= TOTAL)
  })
}

function table(counts: Readonly<Record<string, KillCounts>>): string[] {
  const columns = ['kills', 'inside', 'operations', 'verified', 'verifiedByNix'] as const
  const row = (name: string, cells: readonly (string | number)[]) =>
    name.padEnd(12) + cells.map((cell) => String(cell).padStart(14)).join('')
  const rows = Object.entries(counts).map(([name, count]) =>
    row(
      name,
      columns.map((column) => count[column]),
    ),
  )
  const sums = columns.map((column) => Object.values(counts).reduce((sum, count) => sum + count[column], 0))
  return [row('scenario', columns), ...rows, row('all', sums)]
}
