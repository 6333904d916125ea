/** Which generations of profiles go is decided as `nix-collect-garbage --delete-older-than` does. */
import assert from 'node:assert/strict'
import { lutimesSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listGenerations, removeOldGenerations, type Store } from '@baryon/store'
import { peer, temporaryDirectory, temporaryStore } from '@baryon/testing'
import * as fc from 'fast-check'

const nix = peer('nix-collect-garbage')
const day = 24 * 3600

interface Profile {
  /** Days since each generation was made, by number - 1. */
  readonly ages: readonly number[]
  /** Index of the current one. */
  readonly current: number
}

/** Fills `profiles` of a store; links need not lead to valid paths for this. */
function makeProfiles(store: Store, profiles: Readonly<Record<string, Profile>>): void {
  for (const [name, { ages, current }] of Object.entries(profiles)) {
    const profile = join(store.stateDirectory, 'profiles', name)
    mkdirSync(join(profile, '..'), { recursive: true })
    const base = name.slice(name.lastIndexOf('/') + 1)
    for (const [index, age] of ages.entries()) {
      const link = `${profile}-${index + 1}-link`
      symlinkSync(`${store.storeDirectory}/${'0'.repeat(32)}-${base}`, link)
      const made = Date.now() / 1000 - age * day - 60
      lutimesSync(link, made, made)
    }
    symlinkSync(`${base}-${current + 1}-link`, profile)
  }
}

/** Links below `profiles`. Nix makes directories of its own there. */
function remaining(store: Store): string[] {
  const entries = readdirSync(join(store.stateDirectory, 'profiles'), { recursive: true, withFileTypes: true })
  const links = entries.filter((entry) => entry.isSymbolicLink())
  return links.map(({ name, parentPath }) => join(parentPath, name).slice(store.stateDirectory.length)).sort()
}

const arbitraryProfile: fc.Arbitrary<Profile> = fc
  .array(fc.constantFrom(0, 1, 9, 10, 11, 40), { minLength: 1, maxLength: 6 })
  // Nix gives up with a failed assertion where a generation is older than the one before it.
  .map((ages) => ages.sort((a, b) => b - a))
  .chain((ages) => fc.record({ ages: fc.constant(ages), current: fc.nat(ages.length - 1) }))

test('the same generations go as with Nix', { skip: nix.skip }, (t: TestContext) => {
  fc.assert(
    fc.property(arbitraryProfile, arbitraryProfile, fc.constantFrom(1, 10, 30), (one, two, days) => {
      const stores = [temporaryStore(t).store, temporaryStore(t).store] as const
      for (const store of stores) makeProfiles(store, { default: one, 'per-user/ada/default-1': two })
      const [ours, theirs] = stores
      const foreseen = removeOldGenerations(ours, Date.now() - days * day * 1000, { dryRun: true })
      assert.deepEqual(foreseen, removeOldGenerations(ours, Date.now() - days * day * 1000))
      nix.output(['--delete-older-than', `${days}d`], {
        store: theirs,
        home: temporaryDirectory(t),
        environment: { NIX_STATE_DIR: theirs.stateDirectory },
      })
      assert.deepEqual(remaining(ours), remaining(theirs), `${days} days`)
      assert.equal(listGenerations(ours).length, one.ages.length + two.ages.length - foreseen.length)
    }),
    { numRuns: 8 },
  )
})

test('a generation that is removed lets its path be collected, and foreseeing it removes nothing', (t) => {
  const { store, root } = temporaryStore(t)
  const paths = [1, 2, 3].map((number) => store.addText(`generation-${number}`, 'x'))
  const profile = join(store.stateDirectory, 'profiles/default')
  for (const [index, path] of paths.entries()) {
    store.addPermanentRoot(`${profile}-${index + 1}-link`, path)
    lutimesSync(`${profile}-${index + 1}-link`, 0, index + 1)
  }
  symlinkSync('default-3-link', profile)
  store.close()
  const { store: again } = temporaryStore(t, { root })
  const before = remaining(again)
  const old = removeOldGenerations(again, Date.now(), { dryRun: true })
  assert.deepEqual(
    old.map(({ number, isCurrent }) => [number, isCurrent]),
    [
      [1, false],
      [2, false],
    ],
  )
  assert.deepEqual(remaining(again), before)
  const ignoredLinks = new Set(old.map(({ link }) => link))
  const foreseen = again.collectGarbage({ dryRun: true, ignoredLinks }).deleted
  assert.deepEqual(
    [...foreseen].sort(),
    paths
      .slice(0, 2)
      .map((path) => again.format(path))
      .sort(),
  )
  assert.deepEqual(again.collectGarbage().deleted, [])
  removeOldGenerations(again, Date.now())
  assert.deepEqual([...again.collectGarbage().deleted].sort(), [...foreseen].sort())
})
