import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentAddressedPath, formatContentAddress, parseContentAddress } from './content-address.ts'
import { type HashAlgorithm, hashBytes, parseHash } from './hash.ts'
import { fixedOutputPath, inputAddressedPath, makeStorePath, textPath } from './path-kinds.ts'
import { formatStorePath } from './store-path.ts'
import { UserError } from './user-error.ts'

// Checked against nix-store and nix-instantiate in test/derivation-peer.test.ts; here are the known values that need no peer.
const STORE = '/nix/store'

test('a text without references', () => {
  // builtins.toFile "a" "hi" of nix-instantiate 2.8.
  const path = textPath('/tmp/np/store', 'a', hashBytes('sha256', 'hi'), [])
  assert.equal(formatStorePath('/tmp/np/store', path), '/tmp/np/store/llr836rvdyh4268r9dm2npyhjpswck6v-a')
  const next = textPath('/tmp/np/store', 'b', hashBytes('sha256', `see ${formatStorePath('/tmp/np/store', path)}`), [
    formatStorePath('/tmp/np/store', path),
  ])
  assert.equal(next.digest, '0678npndzqbdy8fkj4s4d1b2aal67zap')
})

test('a recursive sha1 output', () => {
  const hash = parseHash('sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk=')
  assert.equal(
    fixedOutputPath('/tmp/np/store', 'z', { method: 'recursive', hash }).digest,
    '6cpyh631fxdcbm22xx8plvkp9d88pak8',
  )
})

test('references come in any order and count once', () => {
  const hash = hashBytes('sha256', '')
  assert.deepEqual(textPath(STORE, 'a', hash, ['/b', '/a', '/b']), textPath(STORE, 'a', hash, ['/a', '/b']))
  assert.notDeepEqual(textPath(STORE, 'a', hash, ['/a']), textPath(STORE, 'a', hash, []))
})

test('only recursive sha256 may have references', () => {
  const hash = hashBytes('sha256', '')
  const plain = fixedOutputPath(STORE, 'a', { method: 'recursive', hash })
  const own = fixedOutputPath(STORE, 'a', { method: 'recursive', hash, references: ['/a'], selfReference: true })
  assert.notEqual(plain.digest, own.digest)
  for (const output of [
    { method: 'flat' as const, hash, references: ['/a'] },
    { method: 'flat' as const, hash, selfReference: true },
    { method: 'recursive' as const, hash: hashBytes('sha1', ''), references: ['/a'] },
  ]) {
    assert.throws(() => fixedOutputPath(STORE, 'a', output), { code: 'FIXED_OUTPUT_REFERENCES' })
  }
})

test('outputs other than out carry their name', () => {
  const hash = hashBytes('sha256', '')
  assert.equal(inputAddressedPath(STORE, 'a', 'out', hash).name, 'a')
  assert.equal(inputAddressedPath(STORE, 'a', 'dev', hash).name, 'a-dev')
  assert.throws(() => inputAddressedPath(STORE, 'a', 'd/v', hash), UserError)
  assert.throws(() => makeStorePath(STORE, 'output:out', hashBytes('sha1', ''), 'a'), UserError)
})

test('content addresses read back and give their paths', () => {
  const kinds = fc.constantFrom<'text' | 'flat' | 'recursive'>('text', 'flat', 'recursive')
  fc.assert(
    fc.property(
      kinds,
      fc.constantFrom<HashAlgorithm>('md5', 'sha1', 'sha256', 'sha512'),
      fc.string(),
      (method, algorithm, data) => {
        const address = { method, hash: hashBytes(method === 'text' ? 'sha256' : algorithm, data) }
        assert.deepEqual(parseContentAddress(formatContentAddress(address)), address)
        const path = contentAddressedPath(STORE, 'a', address, [])
        const same =
          method === 'text'
            ? textPath(STORE, 'a', address.hash, [])
            : fixedOutputPath(STORE, 'a', { method, hash: address.hash })
        assert.deepEqual(path, same)
      },
    ),
  )
})

for (const text of [
  '',
  'text:',
  'text:sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709',
  'fixed:r:',
  'fixed:git:sha1:x',
  'fixed:sha256',
  'fixed:sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  'source:sha256:x',
]) {
  test(`refuses the content address '${text}'`, () => assert.throws(() => parseContentAddress(text), UserError))
}

test('a text cannot refer to itself', () => {
  assert.throws(
    () => contentAddressedPath(STORE, 'a', { method: 'text', hash: hashBytes('sha256', '') }, [], true),
    UserError,
  )
})
