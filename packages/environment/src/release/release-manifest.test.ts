import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { type Change, separators } from '../change.ts'
import { formatManifest, parseManifest, type ReleaseManifest } from './release-manifest.ts'

const text = fc.string({ unit: 'grapheme' })
const plain = { noNullPrototype: true }
const part = text.filter((one) => !one.includes('\0'))
const parts = fc.array(part)
const separator = fc.constantFrom(...separators)
const list = fc.record({ prepend: parts, append: parts, separator }, plain)
const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]*$/)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), variable, value: part }, plain),
  fc.record({ kind: fc.constant('unset' as const), variable }, plain),
  fc.record(
    { kind: fc.constantFrom('prepend' as const, 'append' as const), variable, values: parts, separator },
    plain,
  ),
)
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
    variables: fc.dictionary(text, fc.oneof(text, list), plain),
    tasks: fc.dictionary(text, text, plain),
    changes: fc.array(change),
    closure: fc.array(fc.record({ path: text, narHash: text, narSize: fc.nat() }, plain)),
  },
  plain,
)

test('a manifest comes back as it was', () => {
  fc.assert(fc.property(manifest, (one) => assert.deepEqual(parseManifest(formatManifest(one), 'it'), one)))
})

test('one that was written before variables could be lists is read', () => {
  const old =
    '{"format":1,"name":"HEP","version":"1","platform":"p","description":"","storeDirectory":"/s","view":"/s/v","packages":[],' +
    '"variables":{"A":"b"},"tasks":{},"changes":[{"kind":"set","variable":"A","value":"b"},' +
    '{"kind":"prepend","variable":"PATH","values":["/s/v/bin"],"separator":":"}],"closure":[]}'
  assert.equal(parseManifest(old, 'it').changes.length, 2)
})

test('a change that is not known is refused by its place', () => {
  const [one] = fc.sample(manifest, 1)
  const good = { kind: 'append', variable: 'A', values: ['/a'], separator: ':' }
  for (const [wrong, what] of [
    [{ ...good, kind: 'insert' }, /'changes\.1' is of the kind "insert", which is not known/],
    [{ ...good, separator: '$(id)' }, /'changes\.1' has a separator that is not known/],
    [{ ...good, values: ['a\0'] }, /'changes\.1' has no values/],
    [{ ...good, values: undefined }, /'changes\.1' has no values/],
    [{ ...good, variable: 'A;id' }, /'changes\.1' has no variable/],
    [{ kind: 'set', variable: 'A', value: 1 }, /'changes\.1' has no value/],
    [null, /'changes\.1' is not an object/],
  ] as const) {
    const source = JSON.stringify({ ...one, changes: [good, wrong] })
    assert.throws(
      () => parseManifest(source, 'it'),
      (error) => error instanceof UserError && error.code === 'RELEASE_MANIFEST' && what.test(error.message),
      String(what),
    )
  }
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
