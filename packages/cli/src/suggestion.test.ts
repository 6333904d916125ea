import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from './suggestion.ts'

test('the nearest names', () => {
  const names = ['build', 'run', 'store add', 'hepmc3', 'fastjet', 'HDF5']
  assert.deepEqual(suggest('biuld', names), ['build'])
  assert.deepEqual(suggest('hepmc', names), ['hepmc3'])
  assert.deepEqual(suggest('hdf5', names), ['HDF5'])
  assert.deepEqual(suggest('zzzzzz', names), [])
})

test('a distance is symmetric, zero only for the same, and at most the longer length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.equal(distance === 0, a === b)
      assert.ok(distance <= Math.max(a.length, b.length))
    }),
  )
})
