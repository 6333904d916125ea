/** Caches written by either are read, verified and copied from by the other. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCache } from '@baryon/cache'
import { formatHash, formatPublicKey, formatSecretKey, hashBytes, parseSecretKey } from '@baryon/format'
import { type PeerOptions, peer, readTree, temporaryDirectory } from '@baryon/testing'
import { BUILD_ID, emptyStore, expectSound, pull, push, scene, testKey, testPublicKey } from './scene.ts'

const nix = peer('nix')
const { skip } = nix
const flags = ['--extra-experimental-features', 'nix-command']

for (const compression of ['none', 'zstd', 'gzip'] as const) {
  test(`Nix reads, verifies and copies from ours (${compression})`, { skip }, async (t) => {
    const { store, app, lib, source, text } = scene(t, 6_000_000)
    const home = temporaryDirectory(t)
    const directory = join(home, 'cache')
    await push(store, directory, [app], { compression })
    const url = `file://${directory}`
    const other = emptyStore(t)
    const options: PeerOptions = { store: other, home }
    const paths = [app, lib, source, text].map((path) => store.format(path))

    const info = JSON.parse(
      nix.output([...flags, 'path-info', '--json', '-r', '--store', url, paths[0]!], options),
    ) as {
      path: string
      signatures: string[]
    }[]
    assert.deepEqual(info.map(({ path }) => path).sort(), [...paths].sort())
    for (const { signatures } of info) assert.match(signatures[0]!, /^cache\.example\.org-1:/)
    const keys = ['--option', 'trusted-public-keys', testPublicKey]
    const verified = nix.run([...flags, 'store', 'verify', '--store', url, '-r', paths[0]!, ...keys], options)
    assert.equal(verified.status, 0, verified.stderr)

    nix.output([...flags, 'copy', '--from', url, paths[0]!, ...keys], options)
    expectSound(other, [app, lib, source, text])
    assert.deepEqual(readTree(other.physicalPath(lib)), readTree(store.physicalPath(lib)))
  })
}

for (const compression of ['none', 'xz', 'bzip2', 'zstd', 'gzip', 'br']) {
  test(`we copy from Nix's (${compression})`, { skip }, async (t) => {
    const { store, app, lib, source, text } = scene(t)
    const home = temporaryDirectory(t)
    const url = `file://${join(home, 'cache')}`
    const key = join(home, 'key')
    writeFileSync(key, formatSecretKey(testKey))
    nix.output([...flags, 'copy', '--to', `${url}?compression=${compression}&secret-key=${key}`, store.format(app)], {
      store,
      home,
    })

    const other = emptyStore(t)
    const { pulled } = await pull(other, [url], [app])
    assert.equal(pulled.length, 4)
    expectSound(other, [app, lib, source, text])
    assert.deepEqual(readTree(other.physicalPath(source)), readTree(store.physicalPath(source)))
    const verified = peer('nix-store').run(['--verify', '--check-contents'], { store: other, home })
    assert.equal(verified.status, 0, verified.stderr)
    assert.doesNotMatch(verified.stderr, /error|modified|missing/)
  })
}

test('listings, the index of debugging information and nix-cache-info are byte for byte those of Nix', {
  skip,
}, async (t) => {
  const { store, app } = scene(t)
  const home = temporaryDirectory(t)
  const [ours, theirs] = [join(home, 'ours'), join(home, 'theirs')]
  await push(store, ours, [app], { compression: 'none', keys: [], writeListing: true, indexDebugInfo: true })
  const settings = '?compression=none&write-nar-listing=1&index-debug-info=1'
  nix.output([...flags, 'copy', '--to', `file://${theirs}${settings}`, store.format(app)], { store, home })

  // Nix makes all directories at once.
  const files = (directory: string): string[] =>
    (readdirSync(directory, { recursive: true }) as string[])
      .filter((name) => !/^(log|realisations)$/.test(name))
      .sort()
  assert.deepEqual(files(ours), files(theirs))
  assert.ok(files(ours).includes(`debuginfo/cd${BUILD_ID}.debug`))
  for (const file of files(ours).filter((name) => /\.(ls|narinfo|nar|debug)$|cache-info/.test(name))) {
    assert.deepEqual(readFileSync(join(ours, file)), readFileSync(join(theirs, file)), file)
  }
})

test('a cache is continued by the other side', { skip }, async (t) => {
  const { store, app, lib } = scene(t)
  const home = temporaryDirectory(t)
  const directory = join(home, 'cache')
  nix.output([...flags, 'copy', '--to', `file://${directory}`, store.format(lib)], { store, home })
  const report = await push(store, directory, [app])
  assert.deepEqual([report.pushed.length, report.present], [3, 1])
  const done = nix.run([...flags, 'copy', '--to', `file://${directory}`, store.format(app)], { store, home })
  assert.equal(done.status, 0)
  assert.doesNotMatch(done.stderr, /copying path/)
})

test('a path that refers to itself needs no signature when Nix named it by its contents', { skip }, async (t) => {
  const { store, lib } = scene(t)
  const home = temporaryDirectory(t)
  const directory = join(home, 'cache')
  const features = ['--extra-experimental-features', 'nix-command ca-derivations']
  const options = { store, home }
  const made = nix.output([...features, 'store', 'make-content-addressed', '--json', store.format(lib)], options)
  const [text] = Object.values((JSON.parse(made) as { rewrites: Record<string, string> }).rewrites)
  nix.output([...flags, 'copy', '--to', `file://${directory}?compression=none`, text!], options)

  const path = store.parse(text!)
  const other = emptyStore(t)
  await pull(other, [directory], [path], { trust: { keys: [], trustAll: false } })
  expectSound(other, [path])
  assert.deepEqual(other.pathInfo(path).references, [path])

  // With a byte changed beside its references to itself the name proves nothing any more.
  const narinfo = join(directory, `${path.digest}.narinfo`)
  const written = readFileSync(narinfo, 'latin1')
  const nar = join(directory, /^URL: (.*)$/m.exec(written)![1]!)
  const bytes = readFileSync(nar)
  bytes.write('X', bytes.indexOf('text text text'))
  writeFileSync(nar, bytes)
  const hash = formatHash(hashBytes('sha256', bytes), 'nix32')
  writeFileSync(narinfo, written.replace(/^(Nar|File)Hash: .*$/gm, `$1Hash: ${hash}`))
  const third = emptyStore(t)
  const trust = { keys: [], trustAll: false }
  await assert.rejects(pull(third, [directory], [path], { trust }), { code: 'HASH_MISMATCH' })
  assert.equal(third.isValid(path), false)
})

test('keys: Nix makes the public half of ours, and signs what we believe', { skip }, async (t) => {
  const { store, lib } = scene(t)
  const home = temporaryDirectory(t)
  const input = formatSecretKey(testKey)
  assert.equal(nix.output([...flags, 'key', 'convert-secret-to-public'], { home, input }), testPublicKey)

  const secret = nix.output([...flags, 'key', 'generate-secret', '--key-name', 'theirs-1'], { home })
  const key = parseSecretKey(secret)
  assert.equal(
    formatPublicKey(key.publicKey),
    nix.output([...flags, 'key', 'convert-secret-to-public'], { home, input: secret }),
  )
  const file = join(home, 'key')
  writeFileSync(file, secret)
  nix.output([...flags, 'store', 'sign', '-k', file, store.format(lib)], { store, home })
  await push(store, join(home, 'cache'), [lib], { keys: [] })
  const other = emptyStore(t)
  await assert.rejects(pull(other, [join(home, 'cache')], [lib]), { code: 'CACHE_PATH_MISSING' })
  await pull(other, [join(home, 'cache')], [lib], { trust: { keys: [key.publicKey], trustAll: false } })
  expectSound(other, [lib])
})

test('logs are where Nix looks for them', { skip }, async (t) => {
  const { store, app } = scene(t)
  const home = temporaryDirectory(t)
  const directory = join(home, 'cache')
  await push(store, directory, [app], { readLog: async () => Buffer.from('built\n') })
  const deriver = store.pathInfo(app).deriver!
  const from = ['--store', `file://${directory}`, '--option', 'substituters', '']
  const shown = nix.run([...flags, 'log', ...from, store.format(app)], { store: emptyStore(t), home })
  assert.equal(shown.stdout, 'built\n', shown.stderr)
  const cache = openCache(directory, { storeDirectory: store.storeDirectory })
  assert.equal((await cache.log(deriver))?.toString(), 'built\n')
  assert.equal(await cache.log(app), undefined)
})
