import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stress } from './stress.ts'

test('five minutes of builders, users and collectors on one store', async (t) => {
  const counts = await stress(t, 300, { builders: 4, users: 3, collectors: 3 })
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.built > 100 && counts.used > 100 && counts.collections > 100 && counts.deleted > 1000)
})
