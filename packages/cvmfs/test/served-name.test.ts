import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { servedKindOf } from '../index.ts'

test('everything of the sample is served, what is private is not', () => {
  const sample = join(import.meta.dirname, 'data/sample')
  const names = readdirSync(sample, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(sample.length + 1))
  assert.ok(names.length > 20)
  for (const name of names) {
    assert.equal(servedKindOf(name), name.startsWith('data/') ? 'object' : 'changing', name)
  }
  const hash = '0123456789abcdef0123456789abcdef012345'
  for (const suffix of ['', 'P', 'C', 'H', 'X', 'M', '-shake128', '-rmd160P']) {
    assert.equal(servedKindOf(`data/00/${hash}${suffix}`), 'object')
  }
  for (const name of [
    'data/txn/publish.lock',
    'data/txn',
    'data',
    '',
    '.',
    '../x.keys/x.masterkey',
    `data/00/../00/${hash}`,
    `/data/00/${hash}`,
    `data/0/${hash}`,
    `data/00/${hash}P/x`,
    `data/00/${hash}\n`,
    `data/00/${hash.toUpperCase()}`,
    '.cvmfspublished/',
    'x.masterkey',
  ]) {
    assert.equal(servedKindOf(name), undefined, JSON.stringify(name))
  }
})
