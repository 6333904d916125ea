import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { comparePrograms } from './compare-programs.ts'

const nix = peer('nix-instantiate')

test('many generated programs have the values and the errors that Nix gives them', { skip: nix.skip }, (t) => {
  const { values, different } = comparePrograms(nix, 400, 6400)
  t.diagnostic(`${values} of 6,000 have a value`)
  assert.deepEqual(different, [])
})
