import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { compressHash } from './hash.ts'
import { encodeNix32 } from './nix32.ts'
import { storePathText } from './store-path-text.ts'
import { UserError } from './user-error.ts'

const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function expected(store: string, type: string, references: readonly string[], hex: string, name: string): string {
  const fingerprint = `${[type, ...references].join(':')}:sha256:${hex}:${store}:${name}`
  const hash = createHash('sha256').update(Buffer.from(fingerprint, 'latin1')).digest()
  return `${store}/${encodeNix32(compressHash(hash, 20))}-${name}`
}

const name = fc.string({ unit: fc.constantFrom(...'0123456789abcxyzABCXYZ+-._?='), minLength: 1, maxLength: 100 })
const store = fc.constantFrom('/nix/store', '/cvmfs/lhcb.example.org/nix/store', '/a b/\xe9"$x', `/${'d'.repeat(3000)}`)

test('the path is made from its fingerprint, however long that is', () => {
  fc.assert(
    fc.property(
      store,
      fc.constantFrom('text', 'output:out', 'output:dev', 'source'),
      fc.array(
        name.map((one) => `/nix/store/${one}`),
        { maxLength: 4 },
      ),
      fc.nat({ max: 2 }).map((power) => 300 ** power),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      name,
      fc.constantFrom('', '.drv', '-dev'),
      (store, type, few, times, inner, name, end) => {
        const references = times > 300 ? few.slice(0, 1) : Array.from({ length: times }, () => few).flat()
        const hex = Buffer.from(inner).toString('hex')
        const path = expected(store, type, references, hex, name + end)
        assert.equal(storePathText(store, type, references, hex, name, end), path)
        assert.equal(storePathText(store, type, references, inner, name, end), path)
        assert.equal(storePathText(store, type, references, inner, name + end), path)
      },
    ),
    { numRuns: 300 },
  )
})

for (const [name, end, message] of [
  ['', '', /has an empty name/],
  ['a b', '', /-a b' contains illegal character ' '/],
  ['a', '-b c', /-a-b c' contains illegal character ' '/],
  ['\xff', '.drv', /illegal character '\\xff'/],
  ['x'.repeat(212), '', /longer than 211 characters/],
  ['x'.repeat(208), '.drv', /longer than 211 characters/],
  ['x'.repeat(70_000), '', /longer than 211 characters/],
] as const) {
  test(`refuses the name ${JSON.stringify((name + end).slice(0, 20))} of ${name.length + end.length}`, () => {
    // A second time: what was found legal before is remembered.
    for (let i = 0; i < 2; i++) {
      assert.throws(
        () => storePathText('/nix/store', 'text', [], HEX, name, end),
        (error) => {
          assert.ok(error instanceof UserError)
          assert.equal(error.code, 'STORE_PATH_NAME_INVALID')
          assert.match(error.message, message)
          const digest = expected('/nix/store', 'text', [], HEX, name + end).slice(11, 43)
          assert.ok(error.message.includes(digest))
          return true
        },
      )
    }
  })
}

test('a legal name does not make a longer one legal', () => {
  const name = 'y'.repeat(209)
  assert.equal(storePathText('/nix/store', 'text', [], HEX, name), expected('/nix/store', 'text', [], HEX, name))
  assert.throws(() => storePathText('/nix/store', 'text', [], HEX, name, '.drv'), UserError)
})
