import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { formatManifest, parseManifest, type ReleaseManifest } from './release-manifest.ts'

const text = fc.string({ unit: 'grapheme' })
const plain = { noNullPrototype: true }
const manifest: fc.Arbitrary<ReleaseManifest> = fc.record(
  {
    format: fc.constant(1 as const),
    name: text,
    version: text,
    platform: text,
    description: text,
    storeDirectory: text,
    view: text,
    packages: fc.constant([]),
    variables: fc.dictionary(text, text, plain),
    tasks: fc.dictionary(text, text, plain),
    changes: fc.array(fc.record({ kind: fc.constant('set' as const), variable: text, value: text }, plain)),
    closure: fc.array(fc.record({ path: text, narHash: text, narSize: fc.nat() }, plain)),
  },
  plain,
)

test('a manifest comes back as it was', () => {
  fc.assert(fc.property(manifest, (one) => assert.deepEqual(parseManifest(formatManifest(one), 'it'), one)))
})

test('what is none is refused with a code', () => {
  const refused = (source: string) =>
    assert.throws(
      () => parseManifest(source, 'it'),
      (error) => error instanceof UserError && error.code === 'RELEASE_MANIFEST',
    )
  for (const source of ['', '{', 'null', '[]', '1', '{"format": 2}', '{"format": 1, "name": "a"}']) refused(source)
  fc.assert(
    fc.property(fc.json(), (source) => {
      refused(source)
    }),
  )
})
