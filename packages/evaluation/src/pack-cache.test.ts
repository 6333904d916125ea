import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
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
  // In the index every damage is seen; blobs carry their own checks.
  const index = 16 + 20 * 32
  for (let at = 0; at < index; at += 7) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0x40
    writeFileSync(file, damaged)
    assert.equal(readAll(directory), 0, `damaged at ${at}`)
  }
})

function readAll(directory: string): number {
  const cache = openPackCache(directory)
  let found = 0
  for (let i = 0; i < 20; i++) if (cache.get(`/${i}`, 'f') !== undefined) found++
  cache.close()
  return found
}
