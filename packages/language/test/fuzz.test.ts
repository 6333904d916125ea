/** Some damaged programs; `fuzz.long.ts` has 200,000. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzLanguage } from './fuzz.ts'

/** Fresh ones in each run; a failure says which. */
const SEED = Date.now() % 2 ** 31

test('a damaged program is a value or an error with a code', (t) => {
  const { growth, ...counts } = fuzzLanguage(5000, SEED)
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.parsed > 0 && counts.evaluated > 0)
  assert.ok(growth < 400, `the process grew by ${growth} MiB`)
})
