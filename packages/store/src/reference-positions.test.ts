import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import * as fc from 'fast-check'
import { FILE_KINDS } from './file-kind.ts'
import { decodePositions, encodePositions } from './reference-positions.ts'

const plain = { noNullPrototype: true }
const digest = fc.constantFrom('0'.repeat(32), 'qa1w9gdfrba6jl2r57mb3c43863gqywp', `7${'z'.repeat(31)}`)
const item = fc.record(
  {
    path: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    kind: fc.constantFrom(...FILE_KINDS),
    places: fc
      .uniqueArray(fc.maxSafeNat(), { minLength: 1, maxLength: 6 })
      .chain((offsets) =>
        fc.tuple(
          ...offsets.sort((a, b) => a - b).map((offset) => fc.record({ digest, offset: fc.constant(offset) }, plain)),
        ),
      ),
  },
  plain,
)

test('positions survive the way through their record', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 8 }), (positions) => {
      assert.deepEqual(decodePositions(encodePositions(positions)), positions)
    }),
  )
})

test('a damaged record is refused', () => {
  const good = encodePositions([{ path: 'bin/x', kind: 'elf', places: [{ digest: '0'.repeat(32), offset: 4096 }] }])
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const bad = cut ? good.slice(0, at) : Uint8Array.from(good, (byte, index) => (index === at ? value : byte))
      try {
        decodePositions(bad)
      } catch (error) {
        assert.ok(error instanceof UserError)
      }
    }),
  )
})
