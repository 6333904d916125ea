/**
 * Does operations where they cannot succeed: `condition-worker.ts full|read-only SCENARIO ROOT ASIDE`, in a mount namespace
 * where ROOT is a small file system of its own. Ends with 0 when every refusal had a code and the store stayed sound.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { type Place, type Scenario, withStore } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const [condition, name = '', root = '', aside = ''] = process.argv.slice(2)
const scenario = await SCENARIOS[name]!()
const place: Place = { root, aside }
const TRIES = 6
await operation(scenario, place, 0)
if (condition === 'full') await fillDisk(scenario, place)
else await makeReadOnly(scenario, place)

async function fillDisk(scenario: Scenario, place: Place): Promise<void> {
  const ballast = `${place.root}/ballast`
  // All that is left, so that every operation from now on is short of space somewhere; then a bit less each time.
  for (let spared = 0; spared < TRIES; spared++) {
    writeUntilFull(ballast, spared * 24 * 1024)
    const refusal = await operation(scenario, place, spared + 1).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal !== undefined && !(refusal instanceof UserError)) throw refusal
    rmSync(ballast)
    await assertSound(place)
    await operation(scenario, place, spared + 1)
    scenario.check?.(place)
    if (spared === 0) assert.ok(refusal instanceof UserError, 'the disk was not full')
  }
}

async function makeReadOnly(scenario: Scenario, place: Place): Promise<void> {
  remount(place.root, 'ro')
  const refusal = await operation(scenario, place, 1).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(refusal instanceof UserError, String(refusal instanceof Error ? refusal.stack : refusal))
  remount(place.root, 'rw')
  await assertSound(place)
  await operation(scenario, place, 1)
}

async function operation(scenario: Scenario, place: Place, seed: number): Promise<void> {
  await withStore(place, (store) => scenario.run(store, place, seed))
}

async function assertSound(place: Place): Promise<void> {
  await withStore(place, (store) => assert.deepEqual(store.verify({ checkContents: true }).problems, []))
}

function remount(root: string, option: 'ro' | 'rw'): void {
  // Of the mount point alone: a user's namespace may not change what the file system was made with.
  const { status, stderr } = spawnSync('mount', ['-o', `remount,bind,${option}`, root], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

function writeUntilFull(file: string, spared: number): void {
  for (let size = 1 << 16; size >= 512; ) {
    try {
      writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch {
      size >>= 1
    }
  }
  truncateSync(file, Math.max(0, statSync(file).size - spared))
}
