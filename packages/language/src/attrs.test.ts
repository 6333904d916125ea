import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attrsFromEntries, updateAttrs } from './attrs.ts'
import type { Attrs } from './value.ts'

const entries = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer()), { maxLength: 16 })

test('updates are those of a map, whichever keys were merged before', () => {
  fc.assert(
    fc.property(fc.array(entries, { minLength: 1, maxLength: 6 }), (sets) => {
      let attrs = make([])
      const model = new Map<number, unknown>()
      for (const set of sets) {
        attrs = updateAttrs(attrs, make(set))
        for (const [symbol, value] of new Map(set)) model.set(symbol, value)
        assert.deepEqual(
          contents(attrs),
          [...model].sort(([a], [b]) => a - b),
        )
      }
    }),
  )
})

test('sets with the same names share their keys', () => {
  const wide = make(Array.from({ length: 30 }, (_, i) => [2 * i, i]))
  const few = make([1, 11, 21, 31, 41].map((symbol) => [symbol, 0]))
  const first = updateAttrs(wide, few)
  assert.deepEqual(contents(first).length, 35)
  assert.equal(updateAttrs(make(contents(wide)), few).keys, first.keys)
  assert.equal(updateAttrs(few, wide).keys, first.keys)
})

function make(pairs: readonly (readonly [number, unknown])[]): Attrs {
  const map = new Map(pairs)
  return attrsFromEntries([...map.keys()], [...map.values()] as number[])
}

function contents({ keys, slots }: Attrs): [number, unknown][] {
  return keys.map((key, i) => [key, slots[i]])
}
