import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { formatLock, type ProjectLock, parseLock } from './project-lock.ts'

const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0') && one !== '__proto__')
const path = text.map((one) => `/${one}`)
const one = fc.record(
  {
    attribute: text,
    name: text,
    version: text,
    derivation: path,
    outputs: fc.dictionary(text, path, { minKeys: 1, noNullPrototype: true }),
    priority: fc.integer(),
    mainProgram: text,
  },
  { requiredKeys: ['attribute', 'name', 'version', 'derivation', 'outputs'], noNullPrototype: true },
)
const platform = fc.record(
  {
    release: fc.record({ name: text, version: text, path }, { noNullPrototype: true }),
    packages: fc.array(one, { maxLength: 3 }),
  },
  { requiredKeys: ['packages'], noNullPrototype: true },
)
const lock: fc.Arbitrary<ProjectLock> = fc.record(
  {
    format: fc.constant(1 as const),
    request: fc.record(
      { release: text, packages: fc.array(text), stack: text },
      { requiredKeys: ['packages'], noNullPrototype: true },
    ),
    storeDirectory: path,
    stack: text,
    platforms: fc.dictionary(text, platform, { maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: ['format', 'request', 'storeDirectory', 'platforms'], noNullPrototype: true },
)

test('a lock is read as it was written, and the same one gives the same bytes', () => {
  fc.assert(
    fc.property(lock, (given) => {
      const written = formatLock(given)
      const read = parseLock(written, 'file')
      assert.deepEqual(read, given)
      const turned = { ...given, platforms: Object.fromEntries(Object.entries(given.platforms).reverse()) }
      assert.equal(formatLock(turned), written)
    }),
  )
})

test('anything else is refused with the file and the field', () => {
  const good = { format: 1, request: { packages: ['a'] }, storeDirectory: '/s', platforms: {} }
  const part = { attribute: 'a', name: 'a', version: '', derivation: '/s/a.drv', outputs: { out: '/s/a' } }
  const cases: readonly [value: unknown, message: RegExp][] = [
    [[], /file is no lock .*: it is not an object/],
    [{ ...good, format: 2 }, /its format is 2/],
    [{ ...good, request: { packages: 'a' } }, /'request'/],
    [{ ...good, storeDirectory: 's' }, /'storeDirectory'/],
    [{ ...good, platforms: { t: {} } }, /'platforms\.t'/],
    [{ ...good, platforms: { t: { packages: [], release: { name: 'a' } } } }, /'platforms\.t\.release'/],
    [{ ...good, platforms: { t: { packages: [part, { ...part, outputs: {} }] } } }, /'platforms\.t\.packages\.1'/],
  ]
  for (const [value, message] of cases) {
    assert.throws(() => parseLock(JSON.stringify(value), 'file'), { code: 'LOCK_INVALID', message })
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (garbage) => {
      try {
        parseLock(garbage, 'file')
      } catch (error) {
        assert.ok(error instanceof UserError && error.code === 'LOCK_INVALID')
      }
    }),
  )
})
