/** Disk accounting, against `du`, Nix and what a collection really frees. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StorePath } from '@baryon/format'
import { measureUsage, type Store } from '@baryon/store'
import { peer, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'

const nix = peer('nix')
const large = 'large '.repeat(5000)

function du(...paths: string[]): number {
  const result = spawnSync('du', ['-s', '-c', '--block-size=1', ...paths], { encoding: 'utf8' })
  return Number(/^(\d+)\ttotal$/m.exec(result.stdout)![1])
}

function add(store: Store, directory: string, name: string, references: readonly StorePath[] = []): StorePath {
  const tree = join(directory, name)
  writeTree(tree, {
    entries: {
      large,
      again: { entries: { large } },
      own: name.repeat(3000),
      references: references.map((path) => store.format(path)).join(' '),
    },
  })
  return store.addPath(name, tree, { references })
}

test('sizes are those of du, of Nix and of a collection', { skip: nix.skip }, (t) => {
  const { store, root } = temporaryStore(t)
  const directory = temporaryDirectory(t)
  const base = add(store, directory, 'base-1.0')
  const both = add(store, directory, 'both-1.0-dev', [base])
  const one = add(store, directory, 'one-1.0', [both])
  const other = add(store, directory, 'other-2.0', [both])
  const dead = add(store, directory, 'dead-1.0', [base])
  const links = {
    one: join(directory, 'link-one'),
    again: join(directory, 'link-again'),
    other: join(directory, 'link-other'),
  }
  store.addPermanentRoot(links.one, one)
  store.addPermanentRoot(links.again, one)
  store.addPermanentRoot(links.other, other)
  store.close()
  for (const optimised of [false, true]) {
    const { store: open } = temporaryStore(t, { root })
    if (optimised) assert.ok(open.optimise().linked > 5)
    const usage = measureUsage(open)
    const places = open.allValidPaths().map((path) => open.physicalPath(path))
    assert.equal(usage.total.diskSize, du(...places))
    assert.equal(usage.total.count, 5)
    for (const { path, diskSize, narSize, closure } of usage.paths) {
      const members = open.computeClosure([path]).map((member) => open.physicalPath(member))
      assert.equal(diskSize, du(open.physicalPath(path)))
      assert.equal(closure.diskSize, du(...members))
      const info = JSON.parse(
        nix.output(['--extra-experimental-features', 'nix-command', 'path-info', '--json', '-S', open.format(path)], {
          store: open,
          home: directory,
        }),
      ) as [{ narSize: number; closureSize: number }]
      assert.deepEqual([narSize, closure.narSize], [info[0].narSize, info[0].closureSize])
    }
    assert.deepEqual(usage.roots.map(({ path, links: sources }) => [path.name, sources]).sort(), [
      ['one-1.0', [links.again, links.one].sort()],
      ['other-2.0', [links.other]],
    ])
    assert.deepEqual(usage.packages.map(({ name }) => name).sort(), ['base', 'both', 'dead', 'one', 'other'])
    const [single] = measureUsage(open, { paths: [one] }).roots
    assert.deepEqual(
      single,
      usage.roots.find(({ path }) => path.name === 'one-1.0'),
    )
    open.close()
  }
  assert.ok(du(join(root, 'cvmfs')) > 0)
  const before = du(store.physicalDirectory)
  const { store: first } = temporaryStore(t, { root })
  const planned = measureUsage(first)
  first.collectGarbage()
  const between = du(store.physicalDirectory)
  // The directory of the store itself may shrink or not.
  assert.ok(!first.isValid(dead))
  assert.equal(before - between, planned.dead.diskSize)
  const { freed } = measureUsage(first).roots.find(({ path }) => path.name === 'one-1.0')!
  assert.equal(freed.count, 1)
  first.close()
  rmSync(links.one)
  rmSync(links.again)
  const { store: last } = temporaryStore(t, { root })
  last.collectGarbage()
  assert.equal(between - du(store.physicalDirectory), freed.diskSize)
})
