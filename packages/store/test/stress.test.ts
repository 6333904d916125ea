import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stress } from './stress.ts'

test('builders, users and collectors work on one store at once', async (t) => {
  const counts = await stress(t, 4, { builders: 2, users: 1, collectors: 2 })
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.built > 0 && counts.collections > 0 && counts.rooted > 0)
})
