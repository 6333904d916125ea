import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashBytes } from './hash.ts'
import { createModuloHasher } from './modulo-hash.ts'

const DIGEST = '0123456789abcdfghijklmnpqrsvwxyz'
const NULS = '\0'.repeat(32)

test('digests become NULs, and their offsets are hashed at the end, however the bytes are cut', () => {
  const part = fc.oneof(fc.constant(DIGEST), fc.string({ maxLength: 40 }), fc.constant(DIGEST.slice(0, 31)))
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat(50), { minLength: 1 }), (parts, lengths) => {
      const bytes = Buffer.from(parts.join(''), 'latin1')
      const text = bytes.toString('latin1')
      const offsets = Array.from(text.matchAll(new RegExp(DIGEST, 'g')), ({ index }) => `|${index}`).join('')
      const expected = Buffer.from(text.replaceAll(DIGEST, NULS) + offsets, 'latin1')

      const hasher = createModuloHasher('sha256', DIGEST)
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = lengths[turn % lengths.length]! + (turn % 7 === 6 ? 1 : 0)
        hasher.update(bytes.subarray(at, at + length))
        at += length
      }
      assert.deepEqual(hasher.digest(), hashBytes('sha256', expected))
    }),
  )
})
