/** Some of the kills; `crash.long.ts` has thousands. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asUnprivileged } from '../unprivileged.ts'
import { killWorkers } from './kill-workers.ts'
import { SCENARIOS } from './scenarios.ts'

const KILLS = 16
const KILLS_OF_SANDBOXES = 8

if (asUnprivileged(import.meta.url)) {
  test('after kill -9 at any point', { concurrency: 2 }, async (t) => {
    const all = Object.entries(SCENARIOS).map(([name, load]) =>
      t.test(name, async () => {
        const kills = name === 'build' ? KILLS_OF_SANDBOXES : KILLS
        const counts = await killWorkers(await load(), { kills, width: 2 })
        assert.equal(counts.kills, kills)
        assert.ok(counts.inside > kills / 2, `only ${counts.inside} of ${kills} hit an operation`)
      }),
    )
    await Promise.all(all)
  })
}
