/** Some damaged inputs of every format; `fuzz.long.ts` has a million. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORMATS } from './formats.ts'
import { fuzz } from './fuzz.ts'
import { shareOf } from './shares.ts'

const INPUTS = 20_000
/** Fresh ones in each run; a failure says which. */
const SEED = Date.now() % 2 ** 31
/** MiB that reading hostile inputs may make the process grow by: what the window of a decompressor takes, and garbage. */
const MOST_GROWTH = 400

for (const format of FORMATS) {
  test(`damaged ${format.name} is refused with a code`, async () => {
    const report = await fuzz(format, shareOf(format.name, INPUTS), SEED)
    assert.ok(report.growth < MOST_GROWTH, `the process grew by ${report.growth} MiB`)
  })
}
