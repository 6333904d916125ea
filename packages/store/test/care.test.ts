/** Repair and deduplication that are killed at every system call which changes names, and that Nix looks at. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StorePath } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import { isOnPath, peer, readTree, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'

const nix = peer('nix-store')
const worker = join(import.meta.dirname, 'care-worker.ts')
const noStrace = isOnPath('strace') ? false : 'strace is not installed'
const storeDirectory = '/nix/store'

const large = 'large '.repeat(2000)

function addTree(store: Store, directory: string, mark: string): StorePath {
  writeTree(join(directory, mark), {
    entries: {
      mark,
      lib: { entries: { 'large \xff': large, again: large } },
      program: { file: large, mode: 0o755 },
      empty: '',
      link: { symlink: 'lib/again' },
    },
  })
  return store.addPath(mark, join(directory, mark))
}

function damage(file: string): void {
  chmodSync(file, 0o644)
  writeFileSync(file, 'damaged')
}

/** Runs the worker and kills it at the nth of these system calls; false when it ended before. */
function killAt(t: TestContext, call: string, count: number, args: readonly string[]): boolean {
  const inject = `inject=${call}:signal=KILL:when=${count}`
  const log = join(temporaryDirectory(t), 'log')
  const result = spawnSync(
    'strace',
    ['-f', '-o', log, '-e', `trace=${call}`, '-e', inject, process.execPath, worker, ...args],
    {
      encoding: 'utf8',
    },
  )
  if (result.signal === 'SIGKILL' || result.status === 137) return true
  assert.equal(result.status, 0, result.stderr)
  return false
}

test('a repair that is killed leaves the store as it was or better', { skip: noStrace }, (t) => {
  const { store, root } = temporaryStore(t, { storeDirectory })
  const directory = temporaryDirectory(t)
  const path = addTree(store, directory, 'a')
  const place = store.physicalPath(path)
  const expected = readTree(place)
  store.close()
  let kills = 0
  for (const call of ['rename', 'unlinkat']) {
    for (let count = 1; ; count++) {
      damage(`${place}/program`)
      const killed = killAt(t, call, count, [
        root,
        'replace',
        `${storeDirectory}/${place.split('/').at(-1)}`,
        join(directory, 'a'),
      ])
      const next = openStore({ storeDirectory, root })
      const { problems } = next.verify({ checkContents: true })
      next.close()
      assert.ok(existsSync(place), `${call} ${count}`)
      if (killed) assert.ok(problems.length === 0 || problems[0]!.kind === 'corrupt', JSON.stringify(problems))
      else assert.deepEqual(problems, [])
      if (!killed) break
      kills++
    }
  }
  assert.ok(kills > 4, `${kills} kills`)
  assert.deepEqual(readTree(place), expected)
  const { store: last } = temporaryStore(t, { root, storeDirectory })
  const kept = join(directory, 'result')
  last.addPermanentRoot(kept, path)
  last.collectGarbage()
  assert.deepEqual(last.verify({ checkContents: true }), { checked: 1, problems: [], orphans: [] })
})

test('a deduplication that is killed loses nothing, and the next one finishes', { skip: noStrace }, (t) => {
  let kills = 0
  for (const call of ['link', 'rename']) {
    for (let count = 1; ; count += 5) {
      const { store, root } = temporaryStore(t, { storeDirectory })
      const directory = temporaryDirectory(t)
      const places = ['a', 'b'].map((mark) => store.physicalPath(addTree(store, directory, mark)))
      const before = places.map(readTree)
      store.close()
      const killed = killAt(t, call, count, [root, 'optimise'])
      const next = openStore({ storeDirectory, root })
      assert.deepEqual(next.verify({ checkContents: true }).problems, [], `${call} ${count}`)
      next.optimise()
      next.close()
      assert.deepEqual(places.map(readTree), before)
      assert.equal(lstatSync(`${places[0]}/program`).ino, lstatSync(`${places[1]}/program`).ino)
      if (!killed) break
      kills++
    }
  }
  assert.ok(kills > 2, `${kills} kills`)
})

test('either program goes on deduplicating where the other stopped', { skip: nix.skip }, (t) => {
  const home = temporaryDirectory(t)
  for (const oursFirst of [true, false]) {
    const { store } = temporaryStore(t, { storeDirectory })
    const directory = temporaryDirectory(t)
    const places = ['a', 'b'].map((mark) => store.physicalPath(addTree(store, directory, mark)))
    const theirs = () => nix.run(['--optimise', '-v'], { store, home }).stderr
    if (oursFirst) store.optimise()
    else theirs()
    places.push(store.physicalPath(addTree(store, directory, 'c')))
    if (oursFirst) assert.match(theirs(), /freed by hard-linking 5 files/)
    else assert.equal(store.optimise().linked, 5)
    // Nothing is left to do for anybody.
    assert.match(theirs(), /freed by hard-linking 0 files/)
    assert.equal(store.optimise().linked, 0)
    for (const name of ['lib/large \xff', 'program', 'empty', 'link']) {
      const inodes = places.map((place) => lstatSync(Buffer.from(`${place}/${name}`, 'latin1')).ino)
      assert.equal(new Set(inodes).size, 1, name)
    }
    const verified = nix.run(['--verify', '--check-contents'], { store, home })
    assert.equal(verified.status, 0, verified.stderr)
    assert.doesNotMatch(verified.stderr, /error|modified|removing/i)
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  }
})

test('Nix agrees on what is damaged and what is repaired', { skip: nix.skip }, (t) => {
  const { store } = temporaryStore(t, { storeDirectory })
  const directory = temporaryDirectory(t)
  const path = addTree(store, directory, 'a')
  const verify = () => nix.run(['--verify-path', store.format(path)], { store, home: directory }).status
  damage(`${store.physicalPath(path)}/lib/again`)
  assert.equal(verify(), 1)
  const location = join(store.ownDirectory, 'copy')
  mkdirSync(store.ownDirectory, { recursive: true })
  cpSync(join(directory, 'a'), location, { recursive: true, verbatimSymlinks: true })
  store.replacePath(path, location)
  assert.equal(verify(), 0)
})
