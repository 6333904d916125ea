import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { editAndCompare } from './edits.ts'

test('a hundred random edits: never a stale answer', async (t) => {
  const seed = Number(process.env.BARYON_EDIT_SEED ?? Date.now() % 1_000_000)
  const { fromCache, changed } = await editAndCompare(temporaryDirectory(t), 100, seed)
  t.diagnostic(`seed ${seed}: ${fromCache} answers from the cache, ${changed} changes`)
  // Both must happen, or nothing was tried.
  assert.ok(fromCache > 10 && changed > 10)
})
