import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DependencySets } from './dependency-sets.ts'

/** What is done with sets made before: united, or given an item. */
const step = fc.oneof(
  fc.tuple(fc.constant('union' as const), fc.nat(), fc.nat()),
  fc.tuple(fc.constant('with' as const), fc.nat(), fc.oneof(fc.nat(40), fc.nat(5000))),
)

test('unions and items are those of sets, also when a later run takes them over', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.array(fc.nat(5000), { maxLength: 20 }), (steps, more) => {
      const sets = new DependencySets()
      const numbers = [0]
      const models: ReadonlySet<number>[] = [new Set()]
      const take = (number: number, model: ReadonlySet<number>): void => {
        numbers.push(number)
        models.push(model)
      }
      for (const [kind, x, y] of steps) {
        const a = x % numbers.length
        const b = y % numbers.length
        if (kind === 'union') take(sets.union(numbers[a]!, numbers[b]!), models[a]!.union(models[b]!))
        else take(sets.with(numbers[a]!, y), new Set([...models[a]!, y]))
      }
      // Equal sets have one number.
      const known = new Map<number, string>()
      for (const [i, number] of numbers.entries()) {
        const text = [...models[i]!].sort((p, q) => p - q).join()
        assert.equal(known.get(number) ?? text, text)
        known.set(number, text)
        for (const item of models[i]!) assert.ok(sets.has(number, item))
        for (const item of more) assert.equal(sets.has(number, item), models[i]!.has(item))
      }
      assert.equal(new Set(known.values()).size, known.size)
      const later = new DependencySets()
      for (let set = 1; set < sets.count; set++) later.restore(...sets.partsOf(set))
      for (const [i, number] of numbers.entries()) {
        for (const item of [...models[i]!, ...more]) assert.equal(later.has(number, item), models[i]!.has(item))
        const joined = later.union(number, numbers[0]!)
        assert.equal(joined, number)
      }
      if (numbers.length > 2) {
        const joined = later.union(numbers.at(-1)!, numbers.at(-2)!)
        for (const item of models.at(-1)!.union(models.at(-2)!)) assert.ok(later.has(joined, item))
      }
    }),
    { numRuns: 300 },
  )
})
