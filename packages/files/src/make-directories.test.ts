import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectories } from './make-directories.ts'

test('directories are made with those above, and what cannot be made is an error', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'baryon-directories-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const deep = join(directory, 'a/b c/d')
  makeDirectories(deep, 0o700)
  makeDirectories(deep)
  assert.equal(statSync(deep).mode & 0o777, 0o700)
  writeFileSync(join(directory, 'file'), '')
  symlinkSync('nowhere', join(directory, 'link'))
  assert.throws(() => makeDirectories(join(directory, 'file')), { code: 'EEXIST' })
  assert.throws(() => makeDirectories(join(directory, 'file/x')), { code: 'ENOTDIR' })
  assert.throws(() => makeDirectories(join(directory, 'link/x')), { code: 'EEXIST', path: join(directory, 'link') })
  assert.throws(() => makeDirectories('/proc/nothing'), { code: 'ENOENT' })
  assert.throws(() => makeDirectories('/proc/nothing/below'), { code: 'ENOENT' })
})
