import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatLcgTable, formatXenv, lcgEntries, lcgHash, unsayableInXenv } from './lcg.ts'
import type { ReleaseManifest } from './release-manifest.ts'

test('hashes are those of published packages of LCG', () => {
  assert.equal(lcgHash(['AIDA=3.2.1']), '3fe9f')
  assert.equal(lcgHash(['blas=20110419']), 'e1974')
  assert.equal(lcgHash(['b=2', 'a=1']), lcgHash(['a=1', 'b=2']))
})

test('the table has a line for each package, read as its readers do', () => {
  const platform = 'x86_64-el9-gcc13+x-opt'
  const entries = lcgEntries(platform, [
    { name: 'blas', version: '20110419', dependencies: [] },
    { name: 'AIDA', version: '3.2.1', dependencies: [] },
    { name: 'root', version: '6.30', dependencies: ['AIDA', 'blas'] },
  ])
  const text = formatLcgTable({ name: 'LCG', version: '107' }, platform, entries)
  const [first, second, third, ...lines] = text.trimEnd().split('\n')
  assert.deepEqual([first, second, third], [`PLATFORM: ${platform}`, 'VERSION: 107', 'COMPILER: gcc;13'])
  const fields = lines.map((line) => line.split(';').map((field) => field.trim()))
  assert.ok(fields.every((line) => line.length === 5))
  assert.deepEqual(fields[0], ['AIDA', '3fe9f', '3.2.1', `./AIDA/3.2.1-3fe9f/${platform}`, ''])
  const hash = lcgHash(['AIDA=3.2.1', 'blas=20110419', 'root=6.30'])
  assert.deepEqual(fields[2], ['root', hash, '6.30', `./root/6.30-${hash}/${platform}`, 'AIDA-3fe9f,blas-e1974'])
})

test('an xenv file says values as text', () => {
  const changes = [
    { kind: 'set', variable: 'A', value: '<&>' },
    { kind: 'prepend', variable: 'PATH', values: ['/a', '/b'], separator: ':' },
    { kind: 'append', variable: 'PATH', values: ['/c'], separator: ':' },
    { kind: 'append', variable: 'OPTIONS', values: ['-a', '-b'], separator: ':' },
    { kind: 'unset', variable: 'B' },
  ] as const
  const text = formatXenv({ changes } as unknown as ReleaseManifest)
  assert.match(text, /<env:set variable="A">&lt;&amp;&gt;<\/env:set>/)
  assert.match(text, /<env:prepend variable="PATH">\/a:\/b<\/env:prepend>/)
  assert.match(text, /<env:append variable="PATH">\/c<\/env:append>/)
  // A list, although its name does not say so.
  assert.match(
    text,
    /<env:declare variable="OPTIONS" type="list" local="false"\/>\n[\s\S]*<env:append variable="OPTIONS">-a:-b</,
  )
  assert.doesNotMatch(text, /declare variable="PATH"/)
  assert.equal(unsayableInXenv(changes), undefined)
  assert.equal(unsayableInXenv([{ kind: 'append', variable: 'O', values: ['-a'], separator: ' ' }]), 'O')
  assert.match(text, /<env:unset variable="B"\/>/)
  for (const [value, isSayable] of [
    ['$HOME', false],
    ['${X}', false],
    ['$(X)', false],
    ['5$', true],
    ['$ 5', true],
  ] as const) {
    assert.equal(unsayableInXenv([{ kind: 'set', variable: 'V', value }]), isSayable ? undefined : 'V', value)
  }
})
