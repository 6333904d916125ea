import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkStorePathName,
  compareStorePaths,
  formatStorePath,
  isDerivationPath,
  parseBaseName,
  parseStorePath,
  splitStorePath,
  storePathBaseName,
  storePathsEqual,
} from './store-path.ts'
import { UserError } from './user-error.ts'

const STORE = '/cvmfs/lhcb.example.org/nix/store'
const DIGEST = 'kxxj2jb64gypbn33rjkay4bj31k6ski4'

test('a path is digest and name below any store directory', () => {
  for (const store of ['/nix/store', STORE]) {
    const path = parseStorePath(store, `${store}/${DIGEST}-hello-2.10.drv`)
    assert.deepEqual(path, { digest: DIGEST, name: 'hello-2.10.drv' })
    assert.equal(formatStorePath(store, path), `${store}/${DIGEST}-hello-2.10.drv`)
    assert.equal(storePathBaseName(path), `${DIGEST}-hello-2.10.drv`)
    assert.ok(isDerivationPath(path))
  }
})

for (const [text, message] of [
  ['', /not in the store directory/],
  [STORE, /not in the store directory/],
  [`${STORE}x/${DIGEST}-a`, /not in the store directory/],
  [`/nix/store/${DIGEST}-a`, /not in the store directory/],
  [`${STORE}/`, /too short/],
  [`${STORE}/${DIGEST}`, /too short/],
  [`${STORE}/${DIGEST}-`, /too short/],
  [`${STORE}/${DIGEST}-a/bin`, /offset 68/],
  [`${STORE}/${DIGEST.replace('x', 'e')}-a`, /offset 1 of its digest/],
  [`${STORE}/${DIGEST}_a`, /no dash at offset 32/],
] as const) {
  test(`refuses ${text || 'nothing'}`, () => {
    assert.throws(() => parseStorePath(STORE, text), { code: 'STORE_PATH_INVALID', message })
  })
}

for (const name of ['a', '.a', '..', '.', '-', 'A+b-c._?=9', 'x'.repeat(211)]) {
  test(`accepts the name ${name}`, () => checkStorePathName(name))
}

for (const [name, message] of [
  ['', /empty/],
  ['a b', /'a b' contains illegal character ' '$/],
  ['a/b', /character '\/'$/],
  ['ab\n', /'ab\\n' contains illegal character '\\n'$/],
  ['é', /character '\\xe9'$/],
  ['~', /character '~'$/],
  ['x'.repeat(212), /longer than 211 characters$/],
] as const) {
  test(`refuses the name ${JSON.stringify(name)}`, () => {
    assert.throws(() => checkStorePathName(name), { code: 'STORE_PATH_NAME_INVALID', message })
  })
}

test('splits what lies below a path', () => {
  const path = { digest: DIGEST, name: 'hello' }
  assert.deepEqual(splitStorePath(STORE, `${STORE}/${DIGEST}-hello/bin/hello`), { path, rest: '/bin/hello' })
  assert.deepEqual(splitStorePath(STORE, `${STORE}/${DIGEST}-hello`), { path, rest: '' })
  assert.equal(splitStorePath(STORE, '/usr/bin/hello'), undefined)
  assert.equal(splitStorePath(STORE, `${STORE}/`), undefined)
  assert.throws(() => splitStorePath(STORE, `${STORE}/hello`), UserError)
})

const names = fc.string({ unit: fc.constantFrom(...'0123456789abcxyzABCXYZ+-._?='), minLength: 1, maxLength: 211 })
const digests = fc.string({
  unit: fc.constantFrom(...'0123456789abcdfghijklmnpqrsvwxyz'),
  minLength: 32,
  maxLength: 32,
})
const paths = fc.record({ digest: digests, name: names })

test('base names read back, and sort as their texts', () => {
  fc.assert(
    fc.property(paths, paths, (a, b) => {
      const [aText, bText] = [storePathBaseName(a), storePathBaseName(b)]
      assert.ok(storePathsEqual(parseBaseName(aText), a))
      assert.equal(Math.sign(compareStorePaths(a, b)), aText < bText ? -1 : aText > bText ? 1 : 0)
    }),
  )
})

test('any text is a path or a UserError', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((tail) => `${STORE}/${DIGEST}-${tail}`),
      ),
      (text) => {
        try {
          assert.equal(formatStorePath(STORE, parseStorePath(STORE, text)), text)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
        }
      },
    ),
  )
})
