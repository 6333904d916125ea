import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { editPackagesAndCompare } from './package-edits.ts'

test('a hundred random edits of a package set: what is taken over is what would be computed', async (t) => {
  const seed = Number(process.env.BARYON_EDIT_SEED ?? Date.now() % 1_000_000)
  const { takenOver, changed } = await editPackagesAndCompare(temporaryDirectory(t), 100, seed)
  t.diagnostic(`seed ${seed}: ${takenOver} derivations taken over, ${changed} changes`)
  // Both must happen, or nothing was tried.
  assert.ok(takenOver > 100 && changed > 10)
})
