import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hashStream } from './hash-stream.ts'

const MIB = 1 << 20
// Any bytes that differ from place to place do.
const noise = Buffer.from(Uint32Array.from({ length: MIB }, (_, index) => Math.imul(index + 1, 2654435761)).buffer)

function expected(algorithm: string, sizes: readonly number[]): Buffer {
  const hasher = createHash(algorithm)
  for (const size of sizes) hasher.update(noise.subarray(0, size))
  return hasher.digest()
}

function hash(algorithm: 'md5' | 'sha256' | 'sha512', sizes: readonly number[]): Buffer {
  const reused = Buffer.alloc(4 * MIB)
  const { hash, result } = hashStream(algorithm, (update) => {
    for (const size of sizes) {
      noise.copy(reused, 0, 0, size)
      update(reused.subarray(0, size))
    }
    return 'done'
  })
  assert.equal(result, 'done')
  assert.equal(hash.algorithm, algorithm)
  return Buffer.from(hash.bytes)
}

// Before all others: what is kept of them is a thread, and then that is used.
test('many small pieces, also after an error, then large ones', () => {
  const small = Array(40_000).fill(300)
  assert.throws(
    () =>
      hashStream('sha256', (update) => {
        for (const size of small) update(noise.subarray(0, size))
        throw new RangeError('no more')
      }),
    RangeError,
  )
  for (const sizes of [small, [...small, 4 * MIB, 4 * MIB, 4 * MIB], [9], [4 * MIB, 4 * MIB, 4 * MIB], small])
    assert.deepEqual(hash('sha256', sizes), expected('sha256', sizes), `${sizes.length} pieces`)
})

test('hashes like a hasher, with and without a thread', () => {
  for (const sizes of [[], [0], [1], [MIB / 2], [4 * MIB], [4 * MIB, 1], Array(7).fill(4 * MIB - 1), [5, MIB, 7]]) {
    for (const algorithm of ['sha256', 'md5', 'sha512'] as const)
      assert.deepEqual(hash(algorithm, sizes), expected(algorithm, sizes), `${algorithm} of ${sizes}`)
  }
})

test('pieces of any sizes', () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(3 * MIB)), { maxLength: 16 })
  fc.assert(
    fc.property(sizes, (pieces) => assert.deepEqual(hash('sha256', pieces), expected('sha256', pieces))),
    { numRuns: 40 },
  )
})

test('an error in the middle and a hash inside another one do no harm', () => {
  for (const before of [1, 6]) {
    assert.throws(
      () =>
        hashStream('sha256', (update) => {
          for (let round = 0; round < before; round++) update(noise)
          throw new RangeError('no more')
        }),
      RangeError,
    )
    assert.deepEqual(hash('sha256', [3, MIB]), expected('sha256', [3, MIB]))
    assert.deepEqual(hash('sha256', [4 * MIB, 4 * MIB]), expected('sha256', [4 * MIB, 4 * MIB]))
  }
  const { hash: outer, result: inner } = hashStream('sha256', (update) => {
    for (let round = 0; round < 3; round++) update(noise)
    const result = hash('sha512', [4 * MIB, 4 * MIB, 4 * MIB, 9])
    update(noise.subarray(0, 9))
    return result
  })
  assert.deepEqual(Buffer.from(outer.bytes), expected('sha256', [4 * MIB, 4 * MIB, 4 * MIB, 9]))
  assert.deepEqual(inner, expected('sha512', [4 * MIB, 4 * MIB, 4 * MIB, 9]))
})
