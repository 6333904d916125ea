/** Who signs: keys with a passphrase, commands, and certificates that take each other's place. openssl is the peer. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import {
  changeTags,
  collectGarbage,
  commandKey,
  createRepository,
  directorySource,
  directoryStorage,
  fingerprintOf,
  openRepository,
  publish,
  readKeys,
  renewWhitelist,
  rotateCertificate,
} from '../index.ts'
import { assertRight } from './assert-right.ts'

const NAME = 'sign.hep.example'

interface Place {
  readonly directory: string
  readonly keys: string
  readonly cache: string
  file(suffix: string): string
  openssl(...words: string[]): Buffer
}

function place(context: TestContext): Place {
  const [directory, keys, cache] = [
    temporaryDirectory(context),
    temporaryDirectory(context),
    temporaryDirectory(context),
  ]
  return {
    directory,
    keys,
    cache,
    file: (suffix) => join(keys, `${NAME}.${suffix}`),
    openssl: (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'] }),
  }
}

test('keys with a passphrase are encrypted for openssl, and nothing is signed without it', async (context) => {
  const { directory, keys, cache, file, openssl } = place(context)
  const passphrase = 'correct horse'
  await createRepository({ name: NAME, directory, keyDirectory: keys, passphrase })
  for (const suffix of ['key', 'masterkey']) {
    assert.match(readFileSync(file(suffix), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    assert.equal(statSync(file(suffix)).mode & 0o777, 0o600)
    assert.match(openssl('pkey', '-in', file(suffix), '-passin', `pass:${passphrase}`, '-text').toString(), /2048 bit/)
    assert.notEqual(spawnSync('openssl', ['pkey', '-in', file(suffix), '-passin', 'pass:wrong']).status, 0)
  }
  assert.throws(() => readKeys(NAME, keys).privateKey, { code: 'CVMFS_PASSPHRASE' })
  assert.throws(() => readKeys(NAME, keys, 'wrong').masterKey, { code: 'CVMFS_PASSPHRASE' })
  const { privateKey, publicKey } = readKeys(NAME, keys, passphrase)
  // As openssl 1.0 wrote them, too.
  const old = openssl(
    'rsa',
    '-in',
    file('key'),
    '-passin',
    `pass:${passphrase}`,
    '-traditional',
    '-aes128',
    '-passout',
    'pass:other',
  )
  writeFileSync(file('key'), old)
  assert.ok(readKeys(NAME, keys, 'other').privateKey.equals(privateKey))
  assert.throws(() => readKeys(NAME, keys).privateKey, { code: 'CVMFS_PASSPHRASE' })
  // What is there is not looked at before it is needed.
  rmSync(file('masterkey'))
  await publish({ storage: directoryStorage(directory), publicKeys: [publicKey], privateKey, cacheDirectory: cache }, [
    { kind: 'file', at: '/x', bytes: () => Buffer.from('x') },
  ])
  assert.throws(() => readKeys(NAME, keys).masterKey, { code: 'CVMFS_KEY' })
})

test('a command signs instead of a key', async (context) => {
  const { directory, keys, cache, file, openssl } = place(context)
  const card = temporaryDirectory(context)
  const [key, master] = [join(card, 'key.pem'), join(card, 'master.pem')]
  for (const one of [key, master]) openssl('genrsa', '-out', one, '2048')
  openssl('rsa', '-in', master, '-pubout', '-out', file('pub'))
  openssl('req', '-new', '-x509', '-key', key, '-subj', '/CN=by openssl', '-days', '9', '-out', file('crt'))
  const privateKey = commandKey(`test "$BARYON_SIGN" = manifest && openssl dgst -sha1 -sign '${key}'`)
  const masterKey = commandKey(`test "$BARYON_SIGN" = whitelist && openssl pkeyutl -sign -inkey '${master}'`)
  const options = { name: NAME, directory, keyDirectory: keys, privateKey, masterKey }
  await createRepository(options)
  assert.deepEqual(readdirSync(keys).sort(), [`${NAME}.crt`, `${NAME}.pub`])
  const { publicKey, certificate } = readKeys(NAME, keys)
  const storage = directoryStorage(directory)
  const publishing = { storage, publicKeys: [publicKey], certificate, cacheDirectory: cache }
  const change = { kind: 'file', at: '/x', bytes: () => Buffer.from('x') } as const
  const { manifest } = await publish({ ...publishing, privateKey }, [change])
  assert.equal(manifest.revision, 2)
  await assertRight(context, directory, publicKey)
  // The files are those that it makes with a key in memory.
  const raw = readFileSync(join(directory, '.cvmfspublished'))
  const [hash, signature] = splitSigned(raw)
  writeFileSync(join(card, 'hash'), hash)
  assert.deepEqual(openssl('dgst', '-sha1', '-sign', key, join(card, 'hash')), signature)

  // A command that fails, says nothing, or signs with something else publishes nothing.
  const before = readFileSync(join(directory, '.cvmfsreflog'))
  const other = { ...change, bytes: () => Buffer.from('y') }
  for (const [command, code] of [
    ['exit 3', 'CVMFS_SIGNING'],
    ['kill $$', 'CVMFS_SIGNING'],
    ['true', 'CVMFS_SIGNING'],
    ['echo nonsense', 'CVMFS_KEY'],
    [`openssl dgst -sha256 -sign '${key}'`, 'CVMFS_KEY'],
    [`openssl dgst -sha1 -sign '${master}'`, 'CVMFS_KEY'],
  ] as const) {
    await assert.rejects(publish({ ...publishing, privateKey: commandKey(command) }, [other]), { code }, command)
  }
  const renewing = { storage, cacheDirectory: cache, publicKey, certificate }
  for (const command of [`openssl dgst -sha1 -sign '${master}'`, `openssl pkeyutl -sign -inkey '${key}'`]) {
    await assert.rejects(
      renewWhitelist({ ...renewing, masterKey: commandKey(command) }),
      { code: 'CVMFS_KEY' },
      command,
    )
  }
  assert.deepEqual(readFileSync(join(directory, '.cvmfspublished')), raw)
  assert.deepEqual(readFileSync(join(directory, '.cvmfsreflog')), before)
  await renewWhitelist({ ...renewing, masterKey })
  await assertRight(context, directory, publicKey)
})

test('a new certificate takes the place of the old one, and the old key is not believed in the end', async (context) => {
  const { directory, keys, cache, file } = place(context)
  await createRepository({ name: NAME, directory, keyDirectory: keys })
  const storage = directoryStorage(directory)
  const { publicKey, masterKey, privateKey: oldKey, certificate: oldCertificate } = readKeys(NAME, keys)
  const change = { kind: 'file', at: '/x', bytes: () => Buffer.from('x') } as const
  const publishing = { storage, publicKeys: [publicKey], cacheDirectory: cache }
  await publish({ ...publishing, privateKey: oldKey }, [change])
  const oldManifest = readFileSync(join(directory, '.cvmfspublished'))
  const rotating = { storage, name: NAME, keyDirectory: keys, publicKey, masterKey, cacheDirectory: cache }
  const manifest = await rotateCertificate(rotating)
  assert.equal(manifest.revision, 2)
  assert.deepEqual(
    readdirSync(keys).sort(),
    ['crt', 'key', 'masterkey', 'pub'].map((suffix) => `${NAME}.${suffix}`),
  )
  const { certificate, privateKey } = readKeys(NAME, keys)
  assert.notEqual(certificate, oldCertificate)
  assert.equal(statSync(file('key')).mode & 0o777, 0o600)
  const listed = async () => (await openAt(context, directory, publicKey)).whitelist.fingerprints
  assert.deepEqual(await listed(), [fingerprintOf(certificate), fingerprintOf(oldCertificate)])
  await assertRight(context, directory, publicKey)
  // A mirror that is behind is believed for now.
  const newManifest = readFileSync(join(directory, '.cvmfspublished'))
  writeFileSync(join(directory, '.cvmfspublished'), oldManifest)
  await openAt(context, directory, publicKey)
  writeFileSync(join(directory, '.cvmfspublished'), newManifest)

  // The old pair would still be taken; half of it would not.
  await assert.rejects(publish({ ...publishing, privateKey: oldKey }, [{ ...change, at: '/y' }]), { code: 'CVMFS_KEY' })
  await publish({ ...publishing, privateKey, certificate }, [{ ...change, at: '/y' }])
  await renewWhitelist({ ...rotating, certificate })
  assert.deepEqual(await listed(), [fingerprintOf(certificate)])
  const stale = { ...publishing, privateKey: oldKey, certificate: oldCertificate }
  for (const attempt of [
    () => publish(stale, [{ ...change, at: '/z' }]),
    () => changeTags(stale, []),
    () => collectGarbage(stale),
  ]) {
    await assert.rejects(attempt(), { code: 'CVMFS_CERTIFICATE' })
  }
  writeFileSync(join(directory, '.cvmfspublished'), oldManifest)
  await assert.rejects(openAt(context, directory, publicKey), { code: 'CVMFS_CERTIFICATE' })
})

test('a rotation that was interrupted goes on, wherever it was', async (context) => {
  for (const step of ['pair', 'whitelist', 'manifest', 'key']) {
    const { directory, keys, cache, file } = place(context)
    await createRepository({ name: NAME, directory, keyDirectory: keys })
    const storage = directoryStorage(directory)
    const { publicKey, masterKey, privateKey: oldKey, certificate: oldCertificate } = readKeys(NAME, keys)
    const rotating = { storage, name: NAME, keyDirectory: keys, publicKey, masterKey, cacheDirectory: cache }
    const [whitelist, manifest] = ['.cvmfswhitelist', '.cvmfspublished'].map((name) =>
      readFileSync(join(directory, name)),
    )
    const former = { key: readFileSync(file('key')), crt: readFileSync(file('crt')) }
    await rotateCertificate(rotating)
    // What there would be after the step.
    renameSync(file('crt'), file('crt.new'))
    writeFileSync(file('crt'), former.crt)
    if (step !== 'key') {
      renameSync(file('key'), file('key.new'))
      writeFileSync(file('key'), former.key, { mode: 0o600 })
    }
    if (step === 'pair' || step === 'whitelist') writeFileSync(join(directory, '.cvmfspublished'), manifest!)
    if (step === 'pair') writeFileSync(join(directory, '.cvmfswhitelist'), whitelist!)
    // Until then whoever has the old pair can publish.
    const { privateKey, certificate } = readKeys(NAME, keys)
    const old = { storage, publicKeys: [publicKey], privateKey, certificate, cacheDirectory: cache }
    const attempt = publish(old, [{ kind: 'file', at: '/x', bytes: () => Buffer.from(step) }])
    if (step === 'key') await assert.rejects(attempt, { code: 'CVMFS_KEY' })
    else {
      await attempt
      await assertRight(context, directory, publicKey)
      assert.ok(privateKey.equals(oldKey) && certificate === oldCertificate)
    }
    await rotateCertificate(rotating)
    assert.ok(!existsSync(file('key.new')) && !existsSync(file('crt.new')))
    const next = readKeys(NAME, keys)
    await publish({ ...old, privateKey: next.privateKey, certificate: next.certificate }, [
      { kind: 'file', at: '/y', bytes: () => Buffer.from(step) },
    ])
    await assertRight(context, directory, publicKey)
  }
})

test('an expired whitelist is renewed; a collection keeps the certificate', async (context) => {
  const { directory, keys, cache } = place(context)
  const now = Date.now() - 40 * 24 * 3600 * 1000
  await createRepository({ name: NAME, directory, keyDirectory: keys, now })
  const storage = directoryStorage(directory)
  const { publicKey, masterKey } = readKeys(NAME, keys)
  await assert.rejects(openAt(context, directory, publicKey), { code: 'CVMFS_WHITELIST_EXPIRED' })
  const rotating = { storage, name: NAME, keyDirectory: keys, publicKey, masterKey, cacheDirectory: cache }
  await rotateCertificate(rotating)
  const { privateKey, certificate } = readKeys(NAME, keys)
  await renewWhitelist({ ...rotating, certificate, validDays: 2 })
  const collected = await collectGarbage({
    storage,
    publicKeys: [publicKey],
    privateKey,
    certificate,
    cacheDirectory: cache,
  })
  assert.ok(collected.removedObjects > 0)
  await assertRight(context, directory, publicKey)
})

function openAt(context: TestContext, directory: string, publicKey: string) {
  return openRepository({
    source: directorySource(directory),
    publicKeys: [publicKey],
    cacheDirectory: temporaryDirectory(context),
  })
}

function splitSigned(bytes: Buffer): readonly [hash: string, signature: Buffer] {
  const start = bytes.indexOf('\n--\n') + 4
  const end = bytes.indexOf('\n', start)
  return [bytes.toString('latin1', start, end), bytes.subarray(end + 1)]
}
