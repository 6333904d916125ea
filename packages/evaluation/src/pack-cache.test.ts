import assert from 'node:assert/strict'
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import fc from 'fast-check'
import { openPackCache } from './pack-cache.ts'

test('blobs come back, in this process and the next', (t) => {
  const directory = temporaryDirectory(t)
  const blobs = new Map<string, Uint8Array>()
  const arbitrary = fc.tuple(fc.string(), fc.uint8Array({ maxLength: 50 }))
  for (const [path, blob] of fc.sample(arbitrary, { numRuns: 300, seed: 1 })) {
    const cache = openPackCache(directory)
    cache.put(path, 'v1', blob)
    blobs.set(path, blob)
    assert.deepEqual(Buffer.from(cache.get(path, 'v1')!), Buffer.from(blob))
    cache.flush()
  }
  assert.ok(readdirSync(directory).length <= 13, 'segments are merged')
  const cache = openPackCache(directory)
  for (const [path, blob] of blobs) {
    assert.deepEqual(Buffer.from(cache.get(path, 'v1')!), Buffer.from(blob))
    assert.equal(cache.get(path, 'v2'), undefined)
  }
  cache.close()
})

test('two writers lose nothing of each other', (t) => {
  const directory = temporaryDirectory(t)
  const a = openPackCache(directory)
  const b = openPackCache(directory)
  a.put('/a', '1', Buffer.from('A'))
  b.put('/b', '1', Buffer.from('B'))
  a.flush()
  b.flush()
  const both = openPackCache(directory)
  assert.equal(Buffer.from(both.get('/a', '1')!).toString(), 'A')
  assert.equal(Buffer.from(both.get('/b', '1')!).toString(), 'B')
  both.close()
})

test('damaged segments are ignored, never wrong', (t) => {
  const directory = temporaryDirectory(t)
  const cache = openPackCache(directory)
  for (let i = 0; i < 20; i++) cache.put(`/${i}`, 'f', Buffer.from(`blob ${i}`))
  cache.flush()
  const [name] = readdirSync(directory)
  const file = join(directory, name!)
  const whole = readFileSync(file)
  for (let length = 0; length < whole.length; length += 13) {
    writeFileSync(file, whole.subarray(0, length))
    assert.equal(readAll(directory), 0, `cut at ${length}`)
  }
  // With a damaged index a blob may come back cut off or with more behind it, but never another one: see readAll.
  const [header, entry] = [12, 40]
  const index = header + 20 * entry
  // Only a merge asks for it.
  const isHashOfPath = (at: number): boolean =>
    at >= header && (at - header) % entry >= 16 && (at - header) % entry < 32
  for (let at = 0; at < index; at++) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0x40
    writeFileSync(file, damaged)
    assert.ok(readAll(directory) < 20 || isHashOfPath(at), `damaged at ${at}`)
  }
})

test('the record of something else is not taken', (t) => {
  const directory = temporaryDirectory(t)
  const cache = openPackCache(directory)
  cache.put('/some/file', 'f', Buffer.from('blob'))
  cache.flush()
  const file = join(directory, readdirSync(directory)[0]!)
  const whole = readFileSync(file)
  const name = whole.indexOf('/some/file')
  for (let at = name - 4; at < name + 12; at++) {
    const other = Buffer.from(whole)
    other[at]! ^= 1
    writeFileSync(file, other)
    assert.equal(openPackCache(directory).get('/some/file', 'f'), undefined)
  }
  writeFileSync(file, whole)
  assert.equal(Buffer.from(openPackCache(directory).get('/some/file', 'f')!).toString(), 'blob')
})

test('segments that nobody can read go with a merge, once they are old', (t) => {
  const directory = temporaryDirectory(t)
  for (const name of ['old.pack', 'new.pack']) writeFileSync(join(directory, name), 'a former form')
  utimesSync(join(directory, 'old.pack'), 1, 1)
  for (let i = 0; i < 14; i++) {
    const cache = openPackCache(directory)
    cache.put(`/${i}`, 'f', Buffer.from(`blob ${i}`))
    cache.flush()
  }
  const names = readdirSync(directory)
  assert.ok(names.includes('new.pack') && !names.includes('old.pack'), String(names))
  for (let i = 0; i < 14; i++) assert.ok(openPackCache(directory).get(`/${i}`, 'f') !== undefined)
})

function readAll(directory: string): number {
  const cache = openPackCache(directory)
  let found = 0
  for (let i = 0; i < 20; i++) {
    const blob = cache.get(`/${i}`, 'f')
    if (blob === undefined) continue
    const [text, expected] = [Buffer.from(blob).toString('latin1'), `blob ${i}`]
    assert.ok(text.startsWith(expected) || expected.startsWith(text), text)
    if (text === expected) found++
  }
  cache.close()
  return found
}
