import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StorePath } from '@baryon/format'
import { readTree, type Tree, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import { linkName, listLinks } from './link-directory.ts'
import { hashPath } from './nar-tree.ts'
import type { Store } from './store.ts'

const large = 'large '.repeat(2000)
const tree = (mark: string): Tree => ({
  entries: {
    mark,
    lib: { entries: { 'large \xff': large, again: large } },
    program: { file: large, mode: 0o755 },
    empty: '',
    link: { symlink: 'lib/again' },
  },
})

function add(store: Store, directory: string, mark: string): StorePath {
  writeTree(join(directory, mark), tree(mark))
  return store.addPath(mark, join(directory, mark))
}

test('equal files become one, in the link that is named after their NAR', (t) => {
  const { store } = temporaryStore(t)
  const directory = temporaryDirectory(t)
  const paths = ['a', 'b'].map((mark) => add(store, directory, mark))
  const before = paths.map((path) => readTree(store.physicalPath(path)))
  const expected = {
    files: 12,
    linked: 6,
    bytes: 4 * lstatSync(`${store.physicalPath(paths[0]!)}/program`).blocks * 512,
    damagedLinks: 0,
    busy: [],
  }
  assert.deepEqual(store.optimise({ dryRun: true }), expected)
  assert.deepEqual(listLinks(`${store.physicalDirectory}/.links`), [])
  const result = store.optimise()
  // On some file systems a symbolic link takes a block of its own.
  assert.deepEqual({ ...result, bytes: 0 }, { ...expected, bytes: 0 })
  assert.deepEqual(
    paths.map((path) => readTree(store.physicalPath(path))),
    before,
  )
  for (const name of ['lib/again', 'program', 'empty', 'link']) {
    const [one, other] = paths.map((path) => `${store.physicalPath(path)}/${name}`) as [string, string]
    assert.equal(lstatSync(one).ino, lstatSync(other).ino, name)
    const link = join(store.physicalDirectory, '.links', linkName(hashPath(one).hash))
    assert.equal(lstatSync(link).ino, lstatSync(one).ino, name)
  }
  const [first] = paths.map((path) => store.physicalPath(path)) as [string]
  assert.notEqual(lstatSync(`${first}/program`).ino, lstatSync(`${first}/lib/again`).ino)
  assert.equal(lstatSync(`${first}/lib`).mtimeMs, 1000)
  assert.deepEqual(store.optimise(), { ...expected, linked: 0, bytes: 0 })
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})

test('a damaged link takes no good file with it, and is found', (t) => {
  const { store } = temporaryStore(t)
  const directory = temporaryDirectory(t)
  const a = add(store, directory, 'a')
  store.optimise()
  const damaged = `${store.physicalPath(a)}/program`
  chmodSync(damaged, 0o755)
  // Of the same size: Nix would not notice.
  writeFileSync(damaged, large.replace('l', 'L'))
  chmodSync(damaged, 0o555)
  utimesSync(damaged, 1, 1)
  const kinds = () =>
    store
      .verify({ checkContents: true })
      .problems.map(({ kind }) => kind)
      .sort()
  assert.deepEqual(kinds(), ['corrupt', 'link'])
  const b = add(store, directory, 'b')
  assert.equal(store.optimise().damagedLinks, 1)
  assert.equal(readFileSync(`${store.physicalPath(b)}/program`, 'utf8'), large)
  assert.deepEqual(kinds(), ['corrupt'])
})

test('a link that has all the names it can have is left as it is', (t) => {
  const { store } = temporaryStore(t)
  const directory = temporaryDirectory(t)
  const [a, b] = ['a', 'b'].map((mark) => add(store, directory, mark)) as [StorePath, StorePath]
  store.optimise({ paths: [a] })
  const empty = join(store.physicalDirectory, '.links', linkName(hashPath(`${store.physicalPath(a)}/empty`).hash))
  const names: string[] = []
  for (let limit = 0; limit < 70_000; limit++) {
    const name = join(directory, `name-${limit}`)
    try {
      linkSync(empty, name)
      names.push(name)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EMLINK')
      break
    }
  }
  if (names.length < 70_000) {
    store.optimise()
    assert.notEqual(lstatSync(`${store.physicalPath(b)}/empty`).ino, lstatSync(empty).ino)
  } else t.diagnostic('this file system has no such limit')
  assert.equal(
    lstatSync(`${store.physicalPath(b)}/program`).ino,
    lstatSync(`${store.physicalPath(a)}/program`).ino,
    'the rest is linked',
  )
  for (const name of names) unlinkSync(name)
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
})

test('with the option every new path is linked at once, and collection frees what is linked', (t) => {
  const { store, root } = temporaryStore(t, { autoOptimise: true })
  const directory = temporaryDirectory(t)
  const [a, b] = ['a', 'b'].map((mark) => add(store, directory, mark)) as [StorePath, StorePath]
  assert.equal(lstatSync(`${store.physicalPath(a)}/program`).ino, lstatSync(`${store.physicalPath(b)}/program`).ino)
  const batch = store.startBatch()
  const texts = ['x', 'y'].map((name) => store.addText(name, 'the same'))
  batch.commit()
  const [x, y] = texts.map((path) => lstatSync(store.physicalPath(path)).ino)
  assert.equal(x, y)
  store.close()
  const { store: next } = temporaryStore(t, { root })
  const result = next.collectGarbage()
  assert.ok(result.links > 0 && result.bytes > 0)
  assert.deepEqual(listLinks(`${next.physicalDirectory}/.links`), [])
})

test('what a killed run left open is closed', (t) => {
  const { store } = temporaryStore(t)
  const path = add(store, temporaryDirectory(t), 'a')
  const lib = `${store.physicalPath(path)}/lib`
  chmodSync(lib, 0o755)
  store.optimise()
  assert.equal(lstatSync(lib).mode & 0o7777, 0o555)
  assert.equal(lstatSync(lib).mtimeMs, 1000)
  assert.ok(existsSync(lib))
})
