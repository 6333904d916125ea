/** Kills workers of a scenario at random points, and looks at what they leave. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type StorePath, storePathBaseName } from '@baryon/format'
import { removeTree, type Store } from '@baryon/store'
import { peer } from '@baryon/testing'
import { type Place, preparePlace, type Scenario, withStore } from './scenario.ts'

export interface KillCounts {
  kills: number
  /** Kills in the middle of an operation; the others hit between two. */
  inside: number
  /** Operations that were finished before a kill. */
  operations: number
  /** Stores that were verified, by us and by `nix-store`. */
  verified: number
  verifiedByNix: number
}

export interface KillOptions {
  /** Until there are so many. */
  readonly kills: number
  /** Workers at once on one store. */
  readonly width: number
}

/**
 * Rounds of workers, each killed at its own moment. After a round the store must verify with its contents, must have every
 * path that a worker had said to be there, and must take the operations that were cut off; now and then a collection must
 * leave nothing that is not valid, and Nix must agree.
 */
export async function killWorkers(
  scenario: Scenario,
  options: KillOptions,
  counts: KillCounts = noKills(),
): Promise<KillCounts> {
  while (counts.kills < options.kills) {
    const directory = mkdtempSync(join(tmpdir(), 'baryon-crash-'))
    try {
      const place = await preparePlace(scenario, directory)
      await disturb(scenario, { directory, place }, options, counts)
    } finally {
      removePersistently(directory)
    }
  }
  return counts
}

export function noKills(): KillCounts {
  return { kills: 0, inside: 0, operations: 0, verified: 0, verifiedByNix: 0 }
}

/** Until so many kills a store is used: small ones verify fast. */
export const KILLS_PER_STORE = 24

async function disturb(
  scenario: Scenario,
  { directory, place }: { readonly directory: string; readonly place: Place },
  options: KillOptions,
  counts: KillCounts,
): Promise<void> {
  const durable = new Map<string, StorePath>()
  const end = Math.min(options.kills, counts.kills + KILLS_PER_STORE)
  for (let round = 0; counts.kills < end; round++) {
    const workers = Array.from({ length: Math.min(options.width, end - counts.kills) }, (_, order) =>
      killOne(scenario, directory, round * 1000, order),
    )
    const said = await Promise.all(workers)
    counts.kills += said.length
    await withStore(place, async (store) => {
      assertSound(store)
      for (const { done } of said) for (const name of done.flat()) durable.set(name, parseBase(store, name))
      for (const path of durable.values()) assert.ok(store.isValid(path), `${storePathBaseName(path)} is lost`)
    })
    for (const { begun, done } of said) {
      counts.operations += done.length
      if (begun.length > done.length) counts.inside++
      for (const seed of begun.slice(done.length)) await withStore(place, (store) => scenario.run(store, place, seed))
    }
    scenario.check?.(place)
    counts.verified++
  }
  await assertNoLeftovers(scenario, place)
  verifyWithNix(place, counts)
}

interface Said {
  readonly begun: readonly number[]
  /** Base names of the paths of each finished operation. */
  readonly done: readonly (readonly string[])[]
}

const WORKER = join(import.meta.dirname, 'worker.ts')
/** Milliseconds that the last whole operation took, by scenario. */
const durations = new Map<string, number>()

async function killOne(scenario: Scenario, directory: string, seed: number, order: number): Promise<Said> {
  const arguments_ = [WORKER, scenario.name, directory, String(seed), String(order)]
  const worker = spawn(process.execPath, arguments_, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Halves what a start costs.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'baryon-compile-cache') },
  })
  const lines = await linesUntilKilled(worker, scenario.name)
  const fields = lines.map((line) => line.split(' '))
  const done = fields.filter(([word]) => word === 'done')
  const slowest = Math.max(...done.map(([, , milliseconds]) => Number(milliseconds)))
  if (done.length > 0) durations.set(scenario.name, slowest)
  return {
    begun: fields.filter(([word]) => word === 'begin').map(([, number]) => Number(number)),
    done: done.map(([, , , ...names]) => names.filter((name) => name !== '')),
  }
}

/** Lets the worker work for a random part of what the operation takes, or a bit more. */
async function linesUntilKilled(worker: ChildProcess, name: string): Promise<string[]> {
  let output = ''
  let errors = ''
  worker.stdout!.on('data', (chunk) => {
    output += chunk
  })
  worker.stderr!.on('data', (chunk) => {
    errors += chunk
  })
  await Promise.race([once(worker.stdout!, 'data'), once(worker, 'close')])
  const closed = once(worker, 'close')
  worker.stdin!.write('\n')
  await delay(Math.random() * 1.5 * (durations.get(name) ?? FIRST_DURATION))
  worker.kill('SIGKILL')
  const [, signal] = await closed
  assert.equal(signal, 'SIGKILL', `a worker ended by itself: ${output}${errors}`)
  return output.split('\n').slice(0, -1)
}

const FIRST_DURATION = 200

function assertSound(store: Store): void {
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
}

async function assertNoLeftovers(scenario: Scenario, place: Place): Promise<void> {
  await withStore(place, async (store) => {
    // Every process that worked here is dead, but its sandboxes may be dying yet.
    for (let attempt = 0; ; attempt++) {
      store.collectGarbage()
      if (store.verify().orphans.length === 0 || attempt === 20) break
      await delay(100)
    }
    const { problems, orphans } = store.verify({ checkContents: true })
    assert.deepEqual({ problems, orphans }, { problems: [], orphans: [] })
    assert.deepEqual(names(`${store.stateDirectory}/temproots`), [])
    assert.deepEqual(
      names(`${store.ownDirectory}/locks`).filter((name) => name.endsWith('.lock')),
      [],
    )
  })
  // Directories of builders go with the next build.
  await withStore(place, async (store) => {
    await scenario.run(store, place, 999_999)
    assert.deepEqual(names(`${store.ownDirectory}/build`), [])
  })
}

const nix = peer('nix-store')

function verifyWithNix(place: Place, counts: KillCounts): void {
  if (nix.skip !== false) return
  const home = mkdtempSync(join(place.aside, 'home-'))
  const result = nix.run(['--store', place.root, '--verify', '--check-contents'], { home })
  assert.equal(result.status, 0, result.stderr)
  counts.verifiedByNix++
}

function parseBase(store: Store, name: string): StorePath {
  return store.parse(`${store.storeDirectory}/${name}`)
}

function names(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** Sandboxes that die with their killed parents may still write. */
function removePersistently(directory: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      removeTree(directory)
      return
    } catch (error) {
      if (attempt === 50) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
}
