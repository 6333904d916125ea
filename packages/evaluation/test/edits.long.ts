import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import { editAndCompare } from './edits.ts'

const EDITS = Number(process.env.BARYON_EDITS ?? 2000)

test(`${EDITS} random edits: never a stale answer`, async (t) => {
  const seed = Number(process.env.BARYON_EDIT_SEED ?? Date.now() % 1_000_000)
  const counts = await editAndCompare(temporaryDirectory(t), EDITS, seed)
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
  assert.ok(counts.fromCache > EDITS / 10 && counts.changed > EDITS / 10)
})
