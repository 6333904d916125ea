import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { editPackagesAndCompare } from './package-edits.ts'

const EDITS = Number(process.env.BARYON_EDITS ?? 2000)

test(`${EDITS} random edits of a package set: what is taken over is what would be computed`, async (t) => {
  const seed = Number(process.env.BARYON_EDIT_SEED ?? Date.now() % 1_000_000)
  const counts = await editPackagesAndCompare(temporaryDirectory(t), EDITS, seed)
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
  assert.ok(counts.takenOver > EDITS && counts.changed > EDITS / 10)
})
