import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  compressHash,
  createHasher,
  formatHash,
  type HashAlgorithm,
  hashBytes,
  hashBytesBase16,
  hashesEqual,
  hashLength,
  parseHash,
} from './hash.ts'
import { UserError } from './user-error.ts'

// RFC 1321, FIPS 180-4.
const VECTORS: readonly (readonly [HashAlgorithm, string, string])[] = [
  ['md5', '', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['md5', 'abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha1', 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'sha512',
    'abc',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
]

for (const [algorithm, data, expected] of VECTORS) {
  test(`${algorithm} of '${data}'`, () => {
    assert.equal(hashBytesBase16(algorithm, data), expected)
    const hash = hashBytes(algorithm, Buffer.from(data))
    assert.equal(formatHash(hash, 'base16'), `${algorithm}:${expected}`)
    const hasher = createHasher(algorithm)
    for (const char of data) hasher.update(Buffer.from(char))
    assert.ok(hashesEqual(hasher.digest(), hash))
  })
}

test('a string is bytes, not UTF-8', () => {
  assert.deepEqual(hashBytes('sha256', '\xe9'), hashBytes('sha256', Uint8Array.of(0xe9)))
})

const algorithms = fc.constantFrom<HashAlgorithm>('md5', 'sha1', 'sha256', 'sha512')

test('every encoding reads back, with and without its prefix', () => {
  fc.assert(
    fc.property(algorithms, fc.string(), (algorithm, data) => {
      const hash = hashBytes(algorithm, data)
      for (const encoding of ['base16', 'nix32', 'base64'] as const) {
        assert.deepEqual(parseHash(formatHash(hash, encoding)), hash)
        assert.deepEqual(parseHash(formatHash(hash, encoding, false), algorithm), hash)
      }
      assert.deepEqual(parseHash(formatHash(hash, 'sri')), hash)
      assert.deepEqual(parseHash(formatHash(hash, 'sri'), algorithm), hash)
    }),
  )
})

test('any text is a hash of the right length or a UserError', () => {
  const tail = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.string({ unit: fc.constantFrom(...'0123456789abcdf=\n'), maxLength: 130 }),
  )
  fc.assert(
    fc.property(
      fc.option(algorithms, { nil: undefined }),
      fc.constantFrom('', 'sha256:', 'sha256-', 'sha512:', 'md5-', ':'),
      tail,
      (algorithm, prefix, text) => {
        try {
          const hash = parseHash(prefix + text, algorithm)
          assert.equal(hash.bytes.length, hashLength(hash.algorithm))
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          assert.ok(error.code === 'HASH_INVALID' || error.code === 'NIX32_INVALID')
        }
      },
    ),
  )
})

test('errors say where', () => {
  assert.throws(
    () => parseHash('sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9ce3'),
    /nix32 character at offset 57/,
  )
  assert.throws(() => parseHash(`sha1:${'a'.repeat(39)}x`), /base-16 character at offset 44/)
  assert.throws(() => parseHash('sha256-AA*='), /base-64 character at offset 9/)
  assert.throws(() => parseHash('sha256:abc'), /wrong length for sha256: 3 at offset 7/)
  assert.throws(() => parseHash('sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk=', 'md5'), /should have the algorithm md5/)
})

test('folding keeps every byte', () => {
  assert.deepEqual(compressHash(Uint8Array.of(1, 2, 4, 8, 16), 2), Uint8Array.of(1 ^ 4 ^ 16, 2 ^ 8))
})
