import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatCacheInfo, parseCacheInfo } from './cache-info.ts'
import {
  formatPublicKey,
  formatSecretKey,
  generateKeyPair,
  parsePublicKey,
  parseSecretKey,
  sign,
  verify,
} from './key.ts'
import { formatNarinfo, type Narinfo, parseNarinfo, pathFingerprint } from './narinfo.ts'
import { UserError } from './user-error.ts'

// Written by `nix copy --to file://…?secret-key=…` 2.8.
const STORE = '/tmp/np/store'
const NARINFO = `StorePath: /tmp/np/store/0678npndzqbdy8fkj4s4d1b2aal67zap-b
URL: nar/0zf3ns6pmndxk3ncl93rfzhs0b0cfjbsj9ivy0l769cjrcvlgrl8.nar.xz
Compression: xz
FileHash: sha256:0zf3ns6pmndxk3ncl93rfzhs0b0cfjbsj9ivy0l769cjrcvlgrl8
FileSize: 176
NarHash: sha256:1h6kbnbd4plhzp5f7ryhs0ngs6fyqwan0b31v6cidhyn0jdihb5j
NarSize: 168
References: llr836rvdyh4268r9dm2npyhjpswck6v-a
Sig: foo-1:RR+7EyfPy04jcRRqy7n+sfbGVrPNJYNB1vu80bRfN/YaXcp+6kV7E7ngMAc0Cqxag/3sLn6j+jQYKsT153HjDA==
CA: text:sha256:0y44ac72bh9553b5gr1lis99cs2ci9z9j9p55r3b39lk5ha4s1xn
`
const PUBLIC_KEY = 'foo-1:QUBIFP2TilfaEVy5CX0fkmpMWwu1Gr+3vmCNLE5dFhg='

test('reads and writes what Nix writes, and verifies its signature', () => {
  const info = parseNarinfo(STORE, NARINFO)
  assert.equal(formatNarinfo(STORE, info), NARINFO)
  assert.equal(info.narSize, 168)
  assert.deepEqual(info.contentAddress?.method, 'text')
  const fingerprint = pathFingerprint(STORE, info)
  assert.equal(
    fingerprint,
    '1;/tmp/np/store/0678npndzqbdy8fkj4s4d1b2aal67zap-b;sha256:1h6kbnbd4plhzp5f7ryhs0ngs6fyqwan0b31v6cidhyn0jdihb5j;168;/tmp/np/store/llr836rvdyh4268r9dm2npyhjpswck6v-a',
  )
  const key = parsePublicKey(PUBLIC_KEY)
  assert.ok(verify([key], fingerprint, info.signatures[0]!))
  assert.ok(!verify([key], fingerprint.replace('168', '169'), info.signatures[0]!))
  assert.ok(!verify([{ ...key, name: 'foo-2' }], fingerprint, info.signatures[0]!))
})

test('what is missing, unknown or empty', () => {
  const text = NARINFO.replace(/^(?:Compression|FileHash|FileSize|Sig|CA|References):.*\n/gm, '')
  const info = parseNarinfo(STORE, `${text}System: x86_64-linux\nDeriver: unknown-deriver\nCA: \n`)
  assert.equal(info.compression, 'bzip2')
  assert.equal(info.fileSize, undefined)
  assert.equal(info.deriver, undefined)
  assert.equal(info.contentAddress, undefined)
  assert.deepEqual([info.references, info.signatures], [[], []])
  assert.deepEqual(parseNarinfo(STORE, formatNarinfo(STORE, info)), info)
})

for (const [what, text, message] of [
  ['nothing', '', /NarHash is missing/],
  ['no path', NARINFO.replace('StorePath', 'Path'), /StorePath is missing/],
  ['no URL', NARINFO.replace(/URL: .*/, 'URL:'), /URL is missing/],
  ['another store', NARINFO.replace('/tmp/np', ''), /not in the store directory/],
  ['a field twice', `${NARINFO}NarSize: 1\n`, /NarSize occurs twice \(offset \d+\)/],
  ['a last line without end', NARINFO.trimEnd(), /last line has no end/],
  ['a line without a name', `${NARINFO}nonsense\n`, /no field name/],
  ['a wrong size', NARINFO.replace('NarSize: 168', 'NarSize: -1'), /NarSize '-1'/],
  ['a size beyond 2^53', NARINFO.replace('NarSize: 168', 'NarSize: 9007199254740993'), /is not a size/],
  ['another hash', NARINFO.replace(/NarHash: .*/, 'NarHash: md5:d41d8cd98f00b204e9800998ecf8427e'), /must be sha256/],
  ['a bad reference', NARINFO.replace('llr8', 'e'), /digest|dash|short/],
] as const) {
  test(`refuses ${what}`, () =>
    assert.throws(
      () => parseNarinfo(STORE, text),
      (error) => error instanceof UserError && message.test(error.message),
    ))
}

test('damaged text reads or is a UserError', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 30 }), fc.string({ maxLength: 10 }), (at, removed, garbage) => {
      const start = at % NARINFO.length
      try {
        const info = parseNarinfo(STORE, NARINFO.slice(0, start) + garbage + NARINFO.slice(start + removed))
        assert.deepEqual(parseNarinfo(STORE, formatNarinfo(STORE, info)), info)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
      }
    }),
    { numRuns: 500 },
  )
})

test('references and signatures are sorted when written and signed', () => {
  const info = parseNarinfo(STORE, NARINFO)
  const other = { digest: '0'.repeat(32), name: 'z' }
  const both: Narinfo = { ...info, references: [...info.references, other], signatures: ['b:x', 'a:y'] }
  assert.match(formatNarinfo(STORE, both), /References: 0{32}-z llr8[^ ]*\nSig: a:y\nSig: b:x\n/)
  assert.ok(
    pathFingerprint(STORE, both).endsWith(
      `168;${STORE}/${'0'.repeat(32)}-z,${STORE}/llr836rvdyh4268r9dm2npyhjpswck6v-a`,
    ),
  )
})

test('keys are made, written, read, and sign', () => {
  const key = generateKeyPair('cache.example.org-1')
  assert.deepEqual(parseSecretKey(`${formatSecretKey(key)}\n`), key)
  const publicKey = parsePublicKey(formatPublicKey(key.publicKey))
  assert.deepEqual(publicKey, key.publicKey)
  fc.assert(
    fc.property(fc.string(), fc.string(), (data, other) => {
      const signature = sign(key, data)
      assert.ok(verify([publicKey], data, signature))
      assert.equal(verify([publicKey], other, signature), data === other)
    }),
    { numRuns: 30 },
  )
})

// RFC 8032, section 7.1, test 1.
test('the key pair of the standard', () => {
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const publicHalf = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
  const key = parseSecretKey(`rfc:${Buffer.from(seed + publicHalf, 'hex').toString('base64')}`)
  const signature = Buffer.from(sign(key, '').slice(4), 'base64').toString('hex')
  assert.match(signature, /^e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155/)
})

const half = Buffer.alloc(64, 1).toString('base64')
for (const text of ['', ':', 'foo', ':AAAA', 'foo:', 'foo:!', 'foo:AAAA', `foo:${half}`, `f o:${half}`]) {
  test(`refuses the key '${text.slice(0, 12)}'`, () => {
    assert.throws(() => parseSecretKey(text), { code: 'KEY_INVALID' })
    assert.throws(() => parsePublicKey(text), { code: 'KEY_INVALID' })
  })
}

test('no message of a secret key shows it', () => {
  assert.throws(
    () => parseSecretKey(`foo:${half}`),
    (error) => error instanceof UserError && !error.message.includes(half.slice(0, 8)),
  )
})

test('a malformed signature is by nobody', () => {
  const key = parsePublicKey(PUBLIC_KEY)
  for (const signature of ['', ':', 'foo-1', 'foo-1:', 'foo-1:AAAA', 'foo-1:%%%', `:${half}`, `foo-1:${half}`]) {
    assert.equal(verify([key], 'data', signature), false)
  }
  assert.equal(verify([{ name: 'foo-1', bytes: new Uint8Array(32).fill(255) }], 'data', `foo-1:${half}`), false)
})

test('names of keys are checked when made', () => {
  for (const name of ['', 'a b', 'a:b', 'a\nb']) assert.throws(() => generateKeyPair(name), { code: 'KEY_INVALID' })
})

test('nix-cache-info reads and writes', () => {
  const info = { storeDirectory: '/nix/store', wantMassQuery: true, priority: 30 }
  assert.equal(formatCacheInfo(info), 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n')
  assert.deepEqual(parseCacheInfo(formatCacheInfo(info)), info)
  assert.deepEqual(parseCacheInfo('Foo: 1\nnonsense\n\nStoreDir:   /a  \n'), { storeDirectory: '/a' })
  assert.deepEqual(parseCacheInfo(''), {})
  assert.deepEqual(parseCacheInfo('WantMassQuery: 0'), { wantMassQuery: false })
  for (const text of ['StoreDir: nix', 'StoreDir:', 'StoreDir: /a/', 'Priority: high', 'Priority: 99999999999']) {
    assert.throws(() => parseCacheInfo(text), { code: 'CACHE_INFO_INVALID' })
  }
})
