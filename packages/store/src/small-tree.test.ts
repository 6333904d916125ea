import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory, writeTree } from '@baryon/testing'
import { isSmallTree } from './small-tree.ts'

test('few files and few bytes are small', (t) => {
  const directory = temporaryDirectory(t)
  const file = { file: 'x' }
  const sizes: [string, Parameters<typeof writeTree>[1], boolean][] = [
    ['file', file, true],
    ['link', { symlink: '/nowhere' }, true],
    ['few', { entries: { a: file, b: { entries: { c: file, d: { symlink: 'c' } } } } }, true],
    ['many', { entries: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`f${index}`, file])) }, false],
    [
      'deep',
      { entries: { a: { entries: { b: { entries: Object.fromEntries('cdefgh'.split('').map((n) => [n, file])) } } } } },
      false,
    ],
    ['large', { entries: { a: { file: 'x'.repeat(300_000) } } }, false],
  ]
  for (const [name, tree, expected] of sizes) {
    writeTree(join(directory, name), tree)
    assert.equal(isSmallTree(join(directory, name)), expected, name)
  }
  chmodSync(join(directory, 'few/b'), 0)
  assert.equal(isSmallTree(join(directory, 'few')), false)
  chmodSync(join(directory, 'few/b'), 0o755)
})
