import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { UserError } from '@baryon/format'
import { createView, keepView, listView, type ViewTree, writeView } from './view.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-view-')))
after(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
function tree(files: Readonly<Record<string, string>>, priority?: number): ViewTree {
  const root = join(directory, `tree${count++}`)
  mkdirSync(root)
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), path)
    else writeFileSync(path, content)
  }
  return { logical: root, physical: root, ...(priority === undefined ? {} : { priority }) }
}

test('trees are merged, directories of one tree stay one link', () => {
  const a = tree({ 'bin/a': 'a', 'lib/a/x': '1', 'lib/a/y': '2', 'nix-support/propagated': 'no' })
  const b = tree({ 'bin/b': 'b', 'lib/b.so': 'so' })
  assert.deepEqual(listView([a, b]), [
    { path: 'bin/a', target: `${a.logical}/bin/a` },
    { path: 'bin/b', target: `${b.logical}/bin/b` },
    { path: 'lib/a', target: `${a.logical}/lib/a` },
    { path: 'lib/b.so', target: `${b.logical}/lib/b.so` },
  ])
})

test('directories that are to be filled hold links also of one tree', () => {
  const a = tree({ 'bin/a': 'a', 'lib/x': 'x', 'share/d/e': 'e', etc: 'a file' })
  const view = join(directory, 'filled')
  writeView(view, [a], { filled: ['bin', 'share', 'etc', 'none'] })
  assert.deepEqual(
    listView([a], { filled: ['bin', 'share', 'etc', 'none'] }).map(({ path }) => path),
    ['bin/a', 'etc', 'lib', 'share/d'],
  )
  assert.equal(readlinkSync(join(view, 'bin/a')), `${a.logical}/bin/a`)
  assert.throws(() => writeView(view, [a]), { code: 'EEXIST' })
})

test('a view is written, replaced as a whole, and leaves nothing behind', () => {
  const place = join(directory, 'place')
  mkdirSync(place)
  const view = join(place, 'view')
  createView(view, [tree({ 'bin/a': 'first' }), tree({ 'bin/b': 'b' })])
  assert.equal(readFileSync(join(view, 'bin/a'), 'utf8'), 'first')
  createView(view, [tree({ 'bin/a': 'second' })])
  assert.equal(readFileSync(join(view, 'bin/a'), 'utf8'), 'second')
  assert.equal(readdirSync(place).length, 2)
})

test('what is not a view is not replaced', () => {
  const place = join(directory, 'mine')
  mkdirSync(place)
  assert.throws(
    () => createView(place, [tree({ a: 'a' })]),
    (error) => error instanceof UserError && error.code === 'VIEW_EXISTS',
  )
})

test('equal files are fine, different ones are named with both packages', () => {
  const a = tree({ 'share/license': 'same', 'bin/tool': 'one' })
  const b = tree({ 'share/license': 'same', 'bin/tool': 'two' })
  assert.throws(
    () => listView([a, b]),
    (error) =>
      error instanceof UserError &&
      error.code === 'VIEW_CONFLICT' &&
      error.message.includes(`${a.logical}/bin/tool`) &&
      error.message.includes(`${b.logical}/bin/tool`) &&
      !error.message.includes('license'),
  )
})

test('the smaller priority number wins', () => {
  const a = tree({ 'bin/tool': 'one' }, 10)
  const b = tree({ 'bin/tool': 'two' })
  assert.deepEqual(listView([a, b]), [{ path: 'bin/tool', target: `${b.logical}/bin/tool` }])
})

test('links to directories merge with directories', () => {
  const a = tree({ 'lib/a': 'a', lib64: '-> lib' })
  const b = tree({ 'lib64/b': 'b' })
  assert.deepEqual(
    listView([a, b]).map((entry) => entry.path),
    ['lib', 'lib64/a', 'lib64/b'],
  )
})

test('a file against a directory is a conflict', () => {
  assert.throws(() => listView([tree({ x: 'file' }), tree({ 'x/y': 'file' })]), { code: 'VIEW_CONFLICT' })
  assert.throws(() => listView([tree({ 'x/y': 'file' }), tree({ x: 'file' })]), { code: 'VIEW_CONFLICT' })
})

test('links with absolute targets are followed at their physical place', () => {
  const inner = tree({ 'deep/file': 'x' })
  const a = tree({ share: '-> /logical/inner/deep' })
  const b = tree({ 'share/other': 'y' })
  const physicalOf = (path: string): string => path.replace('/logical/inner', inner.physical)
  assert.deepEqual(
    listView([a, b], { physicalOf }).map((entry) => entry.path),
    ['share/file', 'share/other'],
  )
})

test('a view of trees that never change is made once, also by two, and replaced as a whole', () => {
  const place = join(directory, 'kept')
  const view = join(place, 'view')
  const [a, b] = [tree({ 'bin/a': 'a', 'lib/x': 'x' }), tree({ 'bin/b': 'b' })]
  keepView(view, [a, b], { filled: ['lib'] })
  const made = realpathSync(view)
  const { ino } = statSync(view)
  keepView(view, [a, b], { filled: ['lib'] })
  assert.deepEqual([realpathSync(view), statSync(view).ino], [made, ino])
  assert.equal(readlinkSync(join(view, 'lib/x')), `${a.logical}/lib/x`)
  // Somebody else has made the same, and was killed before the link.
  rmSync(view)
  keepView(view, [a, b], { filled: ['lib'] })
  assert.equal(realpathSync(view), made)
  keepView(view, [a])
  assert.deepEqual(readdirSync(join(view, 'bin')), ['a'])
  // It may be in use: a month later it is not.
  assert.deepEqual(readdirSync(join(made, 'bin')).sort(), ['a', 'b'])
  const month = 31 * 24 * 3600
  utimesSync(made, Date.now() / 1000 - month, Date.now() / 1000 - month)
  utimesSync(realpathSync(view), Date.now() / 1000 - month, Date.now() / 1000 - month)
  keepView(view, [b])
  assert.equal(readdirSync(place).length, 3)
  assert.ok(!existsSync(made))
  keepView(view, [a])
  assert.throws(() => keepView(view, [a, tree({ 'bin/a': 'other' })]), { code: 'VIEW_CONFLICT' })
  assert.deepEqual(readdirSync(join(view, 'bin')), ['a'])
})
