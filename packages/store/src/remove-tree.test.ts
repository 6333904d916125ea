import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory, writeTree } from '@baryon/testing'
import { canonicaliseTree } from './canonicalise-tree.ts'
import { removeCounting, removeTree } from './remove-tree.ts'

for (const remove of [removeTree, removeCounting]) {
  test(`${remove.name}: a tree that is read-only, with directories that are closed even to their owner`, (t) => {
    const path = join(temporaryDirectory(t), 'tree')
    writeTree(path, { entries: { a: { entries: { b: { entries: { c: 'x' } } } }, z: 'x' } })
    canonicaliseTree(path)
    chmodSync(join(path, 'a/b'), 0)
    remove(path)
    assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)
    remove(path)
  })

  test(`${remove.name}: names that are not UTF-8, and links, which are not followed`, (t) => {
    const directory = temporaryDirectory(t)
    writeFileSync(join(directory, 'kept'), 'x')
    const path = join(directory, 'tree')
    mkdirSync(path)
    mkdirSync(odd(path, 'd'))
    writeFileSync(odd(path, 'f'), 'x')
    symlinkSync('..', join(path, 'up'))
    symlinkSync('../kept', odd(path, 'l'))
    symlinkSync('tree', join(directory, 'link'))
    remove(join(directory, 'link'))
    assert.equal(readdirSync(path).length, 4)
    remove(path)
    remove(odd(directory, 'nothing'))
    assert.deepEqual(readdirSync(directory), ['kept'])
    assert.equal(readFileSync(join(directory, 'kept'), 'utf8'), 'x')
  })
}

test('deeper than a path can be long', (t) => {
  const path = join(temporaryDirectory(t), 'tree')
  const before = process.cwd()
  t.after(() => process.chdir(before))
  mkdirSync(path)
  process.chdir(path)
  for (let depth = 0; depth < 600; depth++) {
    mkdirSync('directory')
    process.chdir('directory')
  }
  process.chdir(before)
  removeTree(path)
  assert.equal(existsSync(path), false)
})

test('what has other links is not counted as freed', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'tree')
  mkdirSync(path)
  writeFileSync(join(path, 'shared'), Buffer.alloc(1 << 20, 1))
  writeFileSync(join(path, 'own'), Buffer.alloc(1 << 19, 1))
  linkSync(join(path, 'shared'), join(directory, 'other'))
  const freed = removeCounting(path)
  assert.ok(freed >= 1 << 19 && freed < 1 << 20, String(freed))
  assert.equal(removeCounting(path), 0)
})

function odd(directory: string, name: string): Buffer {
  return Buffer.from(`${directory}/\xff${name}`, 'latin1')
}
