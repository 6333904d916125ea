/** A million damaged inputs (`BARYON_FUZZ_INPUTS`), from `BARYON_FUZZ_SEED` on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORMATS } from './formats.ts'
import { fuzz } from './fuzz.ts'
import { shareOf } from './shares.ts'

const INPUTS = Number(process.env.BARYON_FUZZ_INPUTS ?? 1_000_000)
const SEED = Number(process.env.BARYON_FUZZ_SEED ?? 1)

for (const format of FORMATS) {
  test(`${format.name}, damaged`, async (t) => {
    const { inputs, accepted, codes, slowest, growth } = await fuzz(format, shareOf(format.name, INPUTS), SEED)
    t.diagnostic(
      `${format.name}: ${inputs} inputs, ${accepted} accepted, slowest ${slowest} ms of CPU, grown by ${growth} MiB`,
    )
    t.diagnostic(`${format.name}: ${JSON.stringify(codes)}`)
    assert.ok(growth < 400)
  })
}
