import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type StorePath, storePathBaseName } from '@baryon/format'
import { type Tree, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import { removeTree } from './remove-tree.ts'
import type { Store } from './store.ts'

const tree: Tree = { entries: { bin: { entries: { run: { file: '#!/bin/sh\n', mode: 0o755 } } }, data: 'data' } }

function scratch(store: Store, contents: Tree): string {
  const location = join(store.ownDirectory, `scratch-${Math.random()}`)
  mkdirSync(store.ownDirectory, { recursive: true })
  writeTree(location, contents)
  return location
}

function damage(file: string): void {
  chmodSync(file, 0o644)
  writeFileSync(file, 'damaged')
}

function putInstead(file: string, contents: Tree): void {
  removeTree(file)
  writeTree(file, contents)
}

test('contents are replaced by equal ones only, whatever kind of file is there', (t) => {
  const { store } = temporaryStore(t)
  const source = join(temporaryDirectory(t), 'source')
  writeTree(source, tree)
  const directory = store.addPath('directory', source)
  const file = store.addText('file', 'text')
  const sound = () => assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  const cases: readonly (readonly [StorePath, Tree, () => void])[] = [
    [directory, tree, () => damage(`${store.physicalPath(directory)}/data`)],
    [directory, tree, () => removeTree(store.physicalPath(directory))],
    [directory, tree, () => putInstead(store.physicalPath(directory), '')],
    [file, 'text', () => damage(store.physicalPath(file))],
    [file, 'text', () => removeTree(store.physicalPath(file))],
    [file, 'text', () => putInstead(store.physicalPath(file), { entries: {} })],
  ]
  for (const [path, contents, harm] of cases) {
    harm()
    assert.equal(store.verify({ checkContents: true }).problems.length, 1)
    assert.throws(() => store.replacePath(path, scratch(store, 'other')), { code: 'REPLACEMENT_MISMATCH' })
    assert.equal(store.verify({ checkContents: true }).problems.length, 1)
    store.replacePath(path, scratch(store, contents))
    sound()
    assert.equal(lstatSync(store.physicalPath(path)).mtimeMs, 1000)
  }
  assert.deepEqual(
    readdirSync(store.physicalDirectory).sort(),
    ['.links', storePathBaseName(directory), storePathBaseName(file)].sort(),
  )
  assert.throws(() => store.replacePath({ ...file, name: 'unknown' }, scratch(store, 'text')), { code: 'PATH_INVALID' })
})

test('what died between two renames is finished by whoever opens the store next', (t) => {
  const { store, root } = temporaryStore(t)
  const source = join(temporaryDirectory(t), 'source')
  writeTree(source, tree)
  const path = store.addPath('directory', source)
  const final = store.physicalPath(path)
  const aside = `${'0'.repeat(32)}-baryon-tmp`
  const note = join(store.ownDirectory, 'replacements', storePathBaseName(path))
  const cutShort = () => {
    mkdirSync(join(store.ownDirectory, 'replacements'), { recursive: true })
    writeFileSync(note, aside)
    renameSync(final, `${store.physicalDirectory}/${aside}`)
  }
  cutShort()
  const lock = store.tryLockPaths([path])!
  temporaryStore(t, { root })
  assert.ok(!existsSync(final), 'the owner of the lock is still at it')
  lock.release()
  const { store: next } = temporaryStore(t, { root })
  assert.equal(readFileSync(`${final}/data`, 'utf8'), 'data')
  assert.deepEqual(next.verify({ checkContents: true }), { checked: 1, problems: [], orphans: [] })
  assert.ok(!existsSync(note))
})
