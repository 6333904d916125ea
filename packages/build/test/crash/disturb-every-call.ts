/** Disturbs the calls of an operation one by one, and looks at what is left each time. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatHash, type Hash } from '@baryon/format'
import { hashPath, removeTree, type Store } from '@baryon/store'
import { type Disturbance, type Outcome, Victim } from './disturb-calls.ts'
import { type Place, type Scenario, withStore } from './scenario.ts'

export interface DisturbOptions {
  readonly disturbances: readonly Disturbance[]
  /** Only every so manieth case; default all. */
  readonly step?: number
  /** Told of what is wrong with a case; default: throws it. */
  readonly onFailure?: (error: Error) => void
}

export interface CallCounts {
  /** Calls of the operation. */
  readonly calls: number
  died: number
  /** Operations that failed with a code. */
  failed: number
  /** Operations that succeeded all the same. */
  done: number
}

/**
 * After each case the store must verify with its contents, what is under a final name must be whole, the operation must
 * succeed when it is done again, and a collection must leave nothing that is not valid. An error must have a code.
 */
export async function disturbEveryCall(scenario: Scenario, options: DisturbOptions): Promise<CallCounts> {
  const { disturbances, step = 1, onFailure = raise } = options
  const directory = mkdtempSync(join(tmpdir(), 'baryon-calls-'))
  const aside = join(directory, 'aside')
  mkdirSync(aside)
  const victim = new Victim(scenario.name, directory, aside)
  try {
    const model = await modelPlace(scenario, { root: join(directory, 'model'), aside })
    const calls = await victim.calls({ root: join(directory, 'traced'), aside }, SEED)
    const counts: CallCounts = { calls: calls.length, died: 0, failed: 0, done: 0 }
    const cases = calls.flatMap((call) => disturbances.map((disturbance) => ({ call, disturbance })))
    for (const [index, { call, disturbance }] of cases.entries()) {
      if (index % step !== 0) continue
      const place = { root: join(directory, `case-${index}`), aside }
      const outcome = await victim.run(place, SEED, call, disturbance)
      counts[outcome.kind]++
      try {
        await assertHarmless(scenario, place, outcome, model)
      } catch (error) {
        onFailure(
          new Error(`${scenario.name}: ${disturbance} at call ${call.number} of ${call.name}`, { cause: error }),
        )
      }
      removeTree(place.root)
    }
    return counts
  } finally {
    await victim.end()
    removeTree(directory)
  }
}

const SEED = 1

function raise(error: Error): never {
  throw error
}

/** NAR hashes of what the operation makes, by base name. */
type Model = ReadonlyMap<string, Hash>

async function modelPlace(scenario: Scenario, place: Place): Promise<Model> {
  await scenario.prepare?.(place)
  return withStore(place, async (store) => {
    await scenario.run(store, place, SEED)
    return new Map(
      store.allValidPaths().map((path) => [`${path.digest}-${path.name}`, store.pathInfo(path).narHash] as const),
    )
  })
}

async function assertHarmless(scenario: Scenario, place: Place, outcome: Outcome, model: Model): Promise<void> {
  if (outcome.kind === 'failed') assert.ok(outcome.failure.code !== undefined, outcome.failure.text)
  await withStore(place, async (store) => {
    assertWhole(store, model)
    await scenario.run(store, place, SEED)
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  })
  scenario.check?.(place)
  await withStore(place, (store) => {
    store.collectGarbage()
    const { problems, orphans } = store.verify({ checkContents: true })
    assert.deepEqual({ problems, orphans }, { problems: [], orphans: [] })
  })
}

/** A path that is not valid yet may be there under its final name, but only as it is meant to be. */
function assertWhole(store: Store, model: Model): void {
  const { problems, orphans } = store.verify({ checkContents: true })
  assert.deepEqual(problems, [])
  for (const name of orphans) {
    const expected = model.get(name)
    const path = join(store.physicalDirectory, name)
    if (expected === undefined || !existsSync(path)) continue
    assert.equal(formatHash(hashPath(path).hash, 'nix32'), formatHash(expected, 'nix32'), `${name} is a part only`)
  }
}
