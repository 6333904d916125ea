import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, linkSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTree, temporaryDirectory, writeTree } from '@baryon/testing'
import { canonicaliseTree } from './canonicalise-tree.ts'

test('modes, times, unreadable directories and set-user bits', (t) => {
  const path = join(temporaryDirectory(t), 'tree')
  writeTree(path, {
    entries: {
      plain: { file: 'x', mode: 0o600 },
      program: { file: 'x', mode: 0o6711 },
      unreadable: { file: 'x', mode: 0 },
      'others may run': { file: 'x', mode: 0o611 },
      link: { symlink: '/etc/passwd' },
      'byte \xff': { file: 'y', mode: 0o777 },
      locked: { entries: { inner: { entries: { file: 'z' }, mode: 0o300 } }, mode: 0o000 },
      shared: { entries: {}, mode: 0o3777 },
    },
    mode: 0o1777,
  })
  const passwd = statSync('/etc/passwd').mtimeMs
  canonicaliseTree(path)
  assert.deepEqual(readTree(path), {
    entries: {
      'byte \xff': { file: 'y', mode: 0o555 },
      link: { symlink: '/etc/passwd' },
      locked: { entries: { inner: { entries: { file: { file: 'z', mode: 0o444 } }, mode: 0o555 } }, mode: 0o555 },
      'others may run': { file: 'x', mode: 0o444 },
      plain: { file: 'x', mode: 0o444 },
      program: { file: 'x', mode: 0o555 },
      shared: { entries: {}, mode: 0o555 },
      unreadable: { file: 'x', mode: 0o444 },
    },
    mode: 0o555,
  })
  for (const name of ['', 'plain', 'program', 'link', 'locked', 'locked/inner', 'locked/inner/file']) {
    assert.equal(lstatSync(join(path, name)).mtimeMs, 1000, name)
  }
  assert.equal(statSync('/etc/passwd').mtimeMs, passwd)
})

test('a hard link from outside is cut, one within the tree is kept', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'tree')
  writeTree(path, { entries: { a: { file: 'inner', mode: 0o755 } } })
  linkSync(join(path, 'a'), join(path, 'b'))
  writeFileSync(join(directory, 'outside'), 'precious', { mode: 0o640 })
  linkSync(join(directory, 'outside'), join(path, 'c'))
  const before = lstatSync(join(directory, 'outside'))
  canonicaliseTree(path)
  const after = lstatSync(join(directory, 'outside'))
  assert.deepEqual([after.mode, after.mtimeMs, after.nlink], [before.mode, before.mtimeMs, 1])
  assert.equal(readFileSync(join(path, 'c'), 'utf8'), 'precious')
  assert.equal(lstatSync(join(path, 'a')).ino, lstatSync(join(path, 'b')).ino)
  assert.equal(lstatSync(join(path, 'c')).mode & 0o7777, 0o444)
})

test('only who made the tree can say that its links come from the store', (t) => {
  const directory = temporaryDirectory(t)
  const [stored, open] = [join(directory, 'stored'), join(directory, 'open')]
  for (const file of [stored, open]) writeTree(file, 'text')
  canonicaliseTree(stored)
  for (const linkedFromStore of [false, true]) {
    const path = join(directory, `tree-${linkedFromStore}`)
    mkdirSync(path)
    linkSync(stored, join(path, 'stored'))
    linkSync(open, join(path, 'open'))
    canonicaliseTree(path, { linkedFromStore })
    assert.equal(lstatSync(join(path, 'stored')).ino === lstatSync(stored).ino, linkedFromStore)
    assert.notEqual(lstatSync(join(path, 'open')).ino, lstatSync(open).ino)
  }
})

test('sockets and pipes are refused', (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'a'))
  const server = createServer().listen(join(directory, 'a/socket'))
  t.after(() => server.close())
  mkdirSync(join(directory, 'b'))
  execFileSync('mkfifo', [join(directory, 'b/pipe')])
  for (const name of ['a', 'b'])
    assert.throws(() => canonicaliseTree(join(directory, name)), { code: 'OUTPUT_FILE_TYPE' })
})

test('files of a user who did not build are refused', (t) => {
  const path = join(temporaryDirectory(t), 'tree')
  writeTree(path, { entries: { file: 'x' } })
  assert.throws(() => canonicaliseTree(path, { owners: [4711] }), { code: 'OUTPUT_OWNERSHIP' })
  // Only root can have, and take over, the files of somebody else.
  if (process.geteuid!() !== 0) return
  chownSync(join(path, 'file'), 4711, 4711)
  assert.throws(() => canonicaliseTree(path), { code: 'OUTPUT_OWNERSHIP' })
  canonicaliseTree(path, { owners: [0, 4711] })
  assert.equal(lstatSync(join(path, 'file')).uid, 0)
})
