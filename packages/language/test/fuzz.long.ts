/** Damaged programs (`BARYON_FUZZ_INPUTS`), from `BARYON_FUZZ_SEED` on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzLanguage } from './fuzz.ts'

const INPUTS = Number(process.env.BARYON_FUZZ_INPUTS ?? 200_000)
const SEED = Number(process.env.BARYON_FUZZ_SEED ?? 1)

test(`${INPUTS} damaged programs`, (t) => {
  const report = fuzzLanguage(INPUTS, SEED)
  t.diagnostic(JSON.stringify(report))
  assert.ok(report.growth < 1000)
})
