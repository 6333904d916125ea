import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { createCompressor } from '../src/compress/compressor.ts'
import { deflateWithNode } from '../src/compress/deflate.ts'
import { openLibdeflate } from '../src/compress/libdeflate.ts'
import { hashContent } from '../src/content-hash.ts'

const HAS_FFI = process.getBuiltinModule('node:ffi') !== undefined

test('libdeflate is found where Node can call it', () => {
  assert.equal(openLibdeflate(6) !== undefined, HAS_FFI, 'scripts/setup.sh --tests installs libdeflate0')
})

for (const [name, deflate] of Object.entries({ libdeflate: openLibdeflate(6), "Node's zlib": deflateWithNode })) {
  if (deflate === undefined) continue
  test(`${name} writes zlib streams of its own memory`, () => {
    const results: [Uint8Array, Uint8Array][] = []
    const check = (bytes: Uint8Array) => {
      const stored = deflate(bytes)
      assert.equal(stored.byteLength, stored.buffer.byteLength)
      results.push([bytes, stored])
    }
    for (const size of [0, 1, 100, 65_535, 65_536, 1 << 20]) {
      check(new Uint8Array(size))
      check(randomBytes(size))
    }
    check(Buffer.from('a slice of a larger buffer').subarray(2, 9))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), check), { numRuns: 200 })
    for (const [bytes, stored] of results) assert.deepEqual(inflateSync(stored), Buffer.from(bytes))
  })
}

test('little is compressed at once, much by threads, all alike', async () => {
  const compressor = createCompressor('shake128', 2)
  after(() => compressor.close())
  const contents = Array.from({ length: 400 }, (_, index) => Buffer.from(`line ${index}\n`.repeat((index * 37) % 3000)))
  const results = await Promise.all(contents.map((bytes) => compressor.compress(new Uint8Array(bytes))))
  for (const [index, { stored, hash }] of results.entries()) {
    assert.deepEqual(inflateSync(stored), contents[index])
    assert.deepEqual(hash, hashContent('shake128', stored))
  }
})

test('what is in work when the compressor is closed is an error', async () => {
  const compressor = createCompressor('sha1', 1)
  const work = Array.from({ length: 3 }, () => compressor.compress(new Uint8Array(3 << 20)))
  setImmediate(() => compressor.close())
  for (const result of await Promise.allSettled(work)) assert.equal(result.status, 'rejected')
})
