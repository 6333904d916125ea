import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { Activity } from './build-event.ts'
import type { BuildPlan, PlannedTask } from './plan.ts'
import { runSchedule } from './schedule.ts'

/** Tasks as `name: [activity, priority, dependencies…]`. */
function planOf(tasks: Readonly<Record<string, readonly [Activity, number, ...string[]]>>): BuildPlan {
  const entries = Object.entries(tasks).map(([key, [activity, priority, ...dependencies]]) => {
    const task = { key, name: key, activity, priority, dependencies: new Set(dependencies), expectedSeconds: undefined }
    return [key, task as unknown as PlannedTask] as const
  })
  return { tasks: new Map(entries), present: 0, totalSeconds: 0, criticalSeconds: 0 }
}

const limits = { build: 1, fetch: 2, substitute: 2 }
const { signal } = new AbortController()

test('the longest remaining path goes first', async () => {
  const order: string[] = []
  const plan = planOf({ a: ['build', 1], b: ['build', 5], c: ['build', 3], d: ['build', 9, 'b'] })
  const run = async ({ key }: PlannedTask) => void order.push(key)
  await runSchedule(plan, { limits, keepGoing: false, signal, run, onSkip: () => {} })
  assert.deepEqual(order, ['b', 'd', 'c', 'a'])
})

test('downloads do not take build slots', async () => {
  const running = new Set<string>()
  let most = ''
  const plan = planOf({ a: ['build', 1], b: ['build', 1], x: ['fetch', 1], y: ['fetch', 1], z: ['fetch', 1] })
  const run = async ({ key }: PlannedTask) => {
    running.add(key)
    if (running.size > most.length) most = [...running].sort().join('')
    await delay(5)
    running.delete(key)
  }
  await runSchedule(plan, { limits, keepGoing: false, signal, run, onSkip: () => {} })
  assert.equal(most, 'axy')
})

test('a failure skips what depends on it, and stops the rest unless told to go on', async () => {
  const plan = planOf({
    bad: ['build', 9],
    after: ['build', 8, 'bad'],
    last: ['build', 7, 'after'],
    other: ['build', 1],
  })
  for (const keepGoing of [false, true]) {
    const done: string[] = []
    const skips: string[] = []
    const run = async ({ key }: PlannedTask) => {
      if (key === 'bad') throw new Error('bad')
      done.push(key)
    }
    const result = await runSchedule(plan, { limits, keepGoing, signal, run, onSkip: ({ key }) => skips.push(key) })
    assert.deepEqual(done, keepGoing ? ['other'] : [])
    assert.deepEqual(skips, ['after', 'last'])
    assert.equal(result.failures.length, 1)
    assert.equal(result.skipped.length, keepGoing ? 2 : 3)
  }
})

test('every task runs once, after its dependencies and within the limits', async () => {
  const activity = fc.constantFrom<Activity>('build', 'fetch', 'substitute')
  const graph = fc.array(fc.tuple(activity, fc.nat(10), fc.array(fc.nat(30), { maxLength: 4 })), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(graph, async (nodes) => {
      const tasks = Object.fromEntries(
        nodes.map(([kind, priority, below], index) => [
          `t${index}`,
          [kind, priority, ...new Set(below.filter((other) => other < index).map((other) => `t${other}`))] as const,
        ]),
      )
      const plan = planOf(tasks)
      const done = new Set<string>()
      const running = { build: 0, fetch: 0, substitute: 0 }
      const run = async (task: PlannedTask) => {
        assert.ok(++running[task.activity] <= limits[task.activity])
        for (const dependency of task.dependencies) assert.ok(done.has(dependency))
        await Promise.resolve()
        running[task.activity]--
        assert.ok(!done.has(task.key))
        done.add(task.key)
      }
      const { failures, skipped } = await runSchedule(plan, { limits, keepGoing: false, signal, run, onSkip: () => {} })
      assert.deepEqual([failures.length, skipped.length, done.size], [0, 0, nodes.length])
    }),
    { numRuns: 100 },
  )
})
