/** Some system calls of each operation, disturbed; `calls.long.ts` has all of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asUnprivileged } from '../unprivileged.ts'
import { whyNoTracing } from './disturb-calls.ts'
import { disturbEveryCall } from './disturb-every-call.ts'
import { SCENARIOS } from './scenarios.ts'

if (asUnprivileged(import.meta.url)) {
  for (const name of ['add', 'collect', 'sources']) {
    test(`${name} survives a kill and an error at its system calls`, { skip: whyNoTracing() }, async () => {
      const options = { disturbances: ['SIGKILL', 'ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EDQUOT'], step: 61 } as const
      const counts = await disturbEveryCall(await SCENARIOS[name]!(), options)
      assert.ok(counts.calls > 30, `only ${counts.calls} calls were seen`)
      assert.ok(counts.died + counts.failed > 0, 'nothing was disturbed')
    })
  }
}
