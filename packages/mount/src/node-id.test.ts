import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { directoryId, fileId, isDirectoryId, MOST_CATALOGS, MOST_ROWS, partsOf } from './node-id.ts'

test('numbers of files there and back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MOST_CATALOGS - 1 }),
      fc.integer({ min: 1, max: MOST_ROWS - 1 }),
      (catalog, row) => {
        const id = fileId(catalog, row)
        assert.ok(Number.isSafeInteger(id))
        assert.ok(!isDirectoryId(id))
        assert.deepEqual(partsOf(id), { catalog, row })
      },
    ),
  )
})

test('numbers of directories come from their paths', () => {
  assert.equal(directoryId(''), 1)
  const digest = createHash('md5').update(Buffer.from('/a/\u00fc', 'latin1')).digest()
  const expected = (1n << 52n) + (digest.readBigUInt64LE() & 0xfffffn) * (1n << 32n) + BigInt(digest.readUInt32LE(4))
  assert.equal(directoryId('/a/\u00fc'), Number(expected))
  fc.assert(
    fc.property(fc.string(), (path) => {
      assert.ok(Number.isSafeInteger(directoryId(`/${path}`)))
      assert.ok(isDirectoryId(directoryId(`/${path}`)))
    }),
  )
})
