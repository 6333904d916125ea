import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JobQueue } from './job-queue.ts'
import type { JobPath } from './job-request.ts'

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), worker: fc.nat(2), most: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('set' as const), names: fc.nat(30) }),
  fc.record({ kind: fc.constant('return' as const), worker: fc.nat(2) }),
)

test('every job is handed out once, whoever takes, and whatever comes back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new JobQueue()
      const known = new Set<string>()
      const done = new Set<string>()
      let last: readonly JobPath[] = []
      const settle = (): void => {
        for (const path of last) {
          const key = path.join('.')
          assert.ok(known.has(key) && !done.has(key), key)
          done.add(key)
        }
        last = []
      }
      for (const [i, action] of steps.entries()) {
        if (action.kind === 'set') {
          const names = Array.from({ length: action.names }, (_, n) => `n${n}`)
          queue.addSet([`set${i}`], names)
          for (const name of names) known.add(`set${i}.${name}`)
        } else if (action.kind === 'take') {
          settle()
          last = queue.take(action.worker, action.most)
          assert.ok(last.length <= action.most)
        } else {
          queue.putBack(last)
          last = []
        }
      }
      settle()
      assert.equal(queue.size, known.size - done.size)
      for (let rest = queue.take(0, 7); rest.length > 0; rest = queue.take(1, 7)) {
        last = rest
        settle()
      }
      assert.deepEqual(done, known)
    }),
  )
})

test('two workers do not share a set as long as there is another', () => {
  const queue = new JobQueue()
  queue.addSet(['small'], ['a', 'b'])
  queue.addSet(['large'], ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(queue.take(0, 2), [
    ['large', 'a'],
    ['large', 'b'],
  ])
  assert.deepEqual(queue.take(1, 1), [['small', 'a']])
  assert.deepEqual(queue.take(0, 1), [['large', 'c']])
  // Nothing else is left: from the far end.
  assert.deepEqual(queue.take(1, 2), [
    ['small', 'b'],
    ['large', 'e'],
  ])
})
