/**
 * Every system call of every operation that changes something: killed at it, and with each error. `BARYON_CALL_STEP=N` takes
 * every Nth case only.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asUnprivileged } from '../unprivileged.ts'
import { ERRORS, whyNoTracing } from './disturb-calls.ts'
import { disturbEveryCall } from './disturb-every-call.ts'
import { SCENARIOS } from './scenarios.ts'

const STEP = Number(process.env.BARYON_CALL_STEP ?? 1)

if (asUnprivileged(import.meta.url)) {
  for (const [name, load] of Object.entries(SCENARIOS)) {
    test(`${name}: every call`, { skip: whyNoTracing() }, async (t) => {
      const counts = await disturbEveryCall(await load(), { disturbances: ['SIGKILL', ...ERRORS], step: STEP })
      const { calls, died, failed, done } = counts
      t.diagnostic(
        `${name}: ${calls} calls; ${died} died, ${failed} failed with a code, ${done} succeeded all the same`,
      )
      assert.ok(died + failed > 0)
    })
  }
}
