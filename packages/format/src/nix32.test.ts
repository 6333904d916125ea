import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeNix32, encodeNix32, isNix32 } from './nix32.ts'
import { UserError } from './user-error.ts'

// From the manual and the unit tests of Nix, and from `nix-hash --base32`.
const TABLE: readonly (readonly [hex: string, nix32: string])[] = [
  ['', ''],
  ['1f', '0z'],
  ['ffff', '1zzz'],
  ['d86b3268944f7c6a7f1d3a9c0b2e5f1122334455', 'am2368hibwp0p71s3mznlz2gjil34syq'],
  [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  ],
]

for (const [hex, nix32] of TABLE) {
  test(`nix32 of ${hex || 'nothing'} is ${nix32 || 'empty'}`, () => {
    assert.equal(encodeNix32(Buffer.from(hex, 'hex')), nix32)
    assert.equal(Buffer.from(decodeNix32(nix32)).toString('hex'), hex)
  })
}

for (const [bad, reason] of [
  ['e0', /offset 0/],
  ['0e', /offset 1/],
  ['0Z', /offset 1/],
  ['0é', /offset 1/],
  ['zz', /out of range/],
  ['80', /out of range/],
  ['0', /1 digits/],
  ['000', /3 digits/],
] as const) {
  test(`nix32 refuses ${bad}`, () => {
    assert.throws(() => decodeNix32(bad), { name: 'UserError', code: 'NIX32_INVALID', message: reason })
  })
}

test('decoding gives back the bytes, and encoding the text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const text = encodeNix32(bytes)
      assert.ok(isNix32(text))
      assert.deepEqual(decodeNix32(text), bytes)
    }),
  )
})

test('any text decodes canonically or is a UserError', () => {
  const digit = fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyz')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: digit, maxLength: 60 })), (text) => {
      try {
        assert.equal(encodeNix32(decodeNix32(text)), text)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
      }
    }),
  )
})
