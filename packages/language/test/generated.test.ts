import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { comparePrograms } from './compare-programs.ts'

const nix = peer('nix-instantiate')

test('generated programs have the values and the errors that Nix gives them', { skip: nix.skip }, (t) => {
  const { values, different } = comparePrograms(nix, 0, 400)
  t.diagnostic(`${values} of 400 have a value`)
  assert.deepEqual(different, [])
  assert.ok(values > 100 && values < 350)
})
