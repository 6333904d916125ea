/** The cache as a function, without sockets. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { generateKeyPair, parseCacheInfo, parseNarinfo, pathFingerprint, verify } from '@baryon/format'
import { dumpNar, openStore } from '@baryon/store'
import { temporaryStore, writeTree } from '@baryon/testing'
import { type BinaryCache, type BinaryCacheOptions, createBinaryCache } from '../index.ts'
import { bytesOf } from './serving.ts'

const noBody = { [Symbol.asyncIterator]: async function* () {} }

function open(t: TestContext, options: Partial<BinaryCacheOptions> = {}) {
  const { store, root, storeDirectory } = temporaryStore(t)
  writeTree(join(root, 'tree'), { entries: { a: 'text', large: Buffer.alloc(200_000, 'abc') } })
  const path = store.addPath('tree', join(root, 'tree'))
  const chunks: Buffer[] = []
  dumpNar(store.physicalPath(path), (chunk) => chunks.push(Buffer.from(chunk)))
  const cache = createBinaryCache({ location: store, ...options })
  t.after(() => cache.close())
  return { store, root, storeDirectory, path, nar: Buffer.concat(chunks), cache }
}

async function ask(cache: BinaryCache, target: string, headers: Record<string, string> = {}, method = 'GET') {
  // Requests of one turn of the event loop see the database as the first of them did.
  await new Promise(setImmediate)
  const response = await cache.handle({ method, target, headers, body: noBody })
  return { ...response, bytes: await bytesOf(response) }
}

test('nix-cache-info', async (t) => {
  const { cache, storeDirectory } = open(t, { priority: 41 })
  const { status, bytes } = await ask(cache, '/nix-cache-info')
  assert.equal(status, 200)
  assert.deepEqual(parseCacheInfo(bytes.toString()), { storeDirectory, wantMassQuery: true, priority: 41 })
})

test('a narinfo has the signatures of the store and of every key, and a tag', async (t) => {
  const keys = [generateKeyPair('one'), generateKeyPair('two')]
  const { cache, store, storeDirectory, path } = open(t, { keys })
  store.registerValidPaths([{ ...store.pathInfo(path), signatures: ['stored:AAAA'] }])
  const { headers, bytes } = await ask(cache, `/${path.digest}.narinfo`)
  const info = parseNarinfo(storeDirectory, bytes.toString())
  assert.deepEqual(
    info.signatures.map((signature) => signature.split(':')[0]),
    ['one', 'stored', 'two'],
  )
  const fingerprint = pathFingerprint(storeDirectory, info)
  for (const key of keys)
    assert.ok(info.signatures.some((signature) => verify([key.publicKey], fingerprint, signature)))

  const again = await ask(cache, `/${path.digest}.narinfo`, { 'if-none-match': `"other", W/${headers.ETag}` })
  assert.equal(again.status, 304)
  assert.equal(again.bytes.length, 0)
  assert.equal((await ask(cache, `/${path.digest}.narinfo`, { 'if-none-match': '"other"' })).status, 200)
})

test('what other processes register, sign and delete shows at once', async (t) => {
  const { cache, root, storeDirectory } = open(t)
  const other = openStore({ root, storeDirectory })
  const text = other.addText('later', 'x')
  const target = `/${text.digest}.narinfo`
  assert.equal((await ask(cache, target)).status, 200)
  other.registerValidPaths([{ ...other.pathInfo(text), signatures: ['new:AAAA'] }])
  assert.match((await ask(cache, target)).bytes.toString(), /Sig: new:AAAA/)
  const nar = /URL: (.*)/.exec((await ask(cache, target)).bytes.toString())![1]
  // Only asked for: what is sent stays a root for some seconds.
  assert.equal((await ask(cache, `/${nar}`, {}, 'HEAD')).status, 200)
  other.close()
  const collector = openStore({ root, storeDirectory })
  collector.collectGarbage({ paths: [text] })
  collector.close()
  assert.equal((await ask(cache, target)).status, 404)
  assert.equal((await ask(cache, `/${nar}`)).status, 404)
})

test('NARs: whole, in part, compressed, only their heads, and not under another hash', async (t) => {
  const { cache, path, nar } = open(t)
  const url = /URL: (.*)/.exec((await ask(cache, `/${path.digest}.narinfo`)).bytes.toString())![1]!
  const whole = await ask(cache, `/${url}`)
  assert.equal(whole.status, 200)
  assert.ok(whole.bytes.equals(nar))
  assert.equal((await ask(cache, `/${url}`, { 'if-none-match': whole.headers.ETag! })).status, 304)

  const part = await ask(cache, `/${url}`, { range: 'bytes=1000-150000' })
  assert.equal(part.status, 206)
  assert.equal(part.headers['Content-Range'], `bytes 1000-150000/${nar.length}`)
  assert.ok(part.bytes.equals(nar.subarray(1000, 150_001)))
  const resumed = await ask(cache, `/${url}`, { range: 'bytes=200000-', 'if-range': whole.headers.ETag! })
  assert.ok(resumed.bytes.equals(nar.subarray(200_000)))
  assert.equal((await ask(cache, `/${url}`, { range: 'bytes=5-', 'if-range': '"other"' })).status, 200)
  const beyond = await ask(cache, `/${url}`, { range: `bytes=${nar.length}-` })
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers['Content-Range'], `bytes */${nar.length}`)

  const zstd = await ask(cache, `/${url}.zst`, { range: 'bytes=5-' })
  assert.equal(zstd.status, 200)
  assert.equal(zstd.headers['Accept-Ranges'], 'none')
  assert.ok(zstdDecompressSync(zstd.bytes).equals(nar))

  assert.equal((await ask(cache, `/${url}`, {}, 'HEAD')).status, 200)
  const other = url.replace(/-.{8}/, '-00000000')
  assert.notEqual(other, url)
  assert.equal((await ask(cache, `/${other}`)).status, 404)
})

test('a zstd log goes out as it is only to those who can read it', async (t) => {
  const { cache, store, path } = open(t)
  const name = `${path.digest}-x.drv`
  const file = `${store.logDirectory}/drvs/${name.slice(0, 2)}/${name.slice(2)}.zst`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, zstdCompressSync('the log'))
  const zstd = await ask(cache, `/log/${name}`, { 'accept-encoding': 'gzip, zstd' })
  assert.equal(zstd.headers['Content-Encoding'], 'zstd')
  assert.equal(zstdDecompressSync(zstd.bytes).toString(), 'the log')
  for (const accepted of ['gzip', 'gzip, zstd;q=0', ''])
    assert.equal((await ask(cache, `/log/${name}`, { 'accept-encoding': accepted })).bytes.toString(), 'the log')
  writeFileSync(file, 'no zstd')
  await assert.rejects(ask(cache, `/log/${name}`), /cannot be decompressed/)
})

test('debug files are found, and gone when their path is', async (t) => {
  const { cache, root, storeDirectory } = open(t)
  const other = openStore({ root, storeDirectory })
  const member = 'lib/debug/.build-id/12/3456.debug'
  mkdirSync(join(root, 'debug', dirname(member)), { recursive: true })
  writeFileSync(join(root, 'debug', member), 'x')
  assert.equal((await ask(cache, '/debuginfo/123456')).status, 404)
  const [one, two] = ['one', 'two'].map((name) => other.addPath(name, join(root, 'debug')))
  const found = JSON.parse((await ask(cache, '/debuginfo/123456')).bytes.toString())
  assert.equal(found.member, member)
  assert.equal((await ask(cache, found.archive.replace('..', ''), {}, 'HEAD')).status, 200)
  other.close()
  const collector = openStore({ root, storeDirectory })
  const first = found.archive.includes(one!.digest) ? one! : two!
  collector.collectGarbage({ paths: [first] })
  const second = JSON.parse((await ask(cache, '/debuginfo/123456')).bytes.toString())
  assert.ok(!second.archive.includes(first.digest))
  collector.collectGarbage({ paths: [first === one ? two! : one!] })
  collector.close()
  assert.equal((await ask(cache, '/debuginfo/123456')).status, 404)
})

test('methods, unknown addresses, health, metrics', async (t) => {
  const { cache, path } = open(t)
  assert.equal((await ask(cache, `/${path.digest}.narinfo`, {}, 'DELETE')).status, 405)
  assert.equal((await ask(cache, '/../../etc/passwd')).status, 404)
  assert.equal((await ask(cache, `/${path.digest}.narinfo`, {}, 'PUT')).status, 403)
  assert.equal((await ask(cache, '/healthz')).status, 200)
  const metrics = (await ask(cache, '/metrics')).bytes.toString()
  assert.match(metrics, /^baryon_cache_requests_total\{kind="narinfo",status="405"\} 1$/m)
  assert.match(metrics, /^baryon_cache_requests_total\{kind="unknown",status="404"\} 1$/m)
  cache.drain()
  assert.equal((await ask(cache, '/healthz')).status, 503)
})

test('a listing', async (t) => {
  const { cache, path, nar } = open(t)
  const response = await ask(cache, `/${path.digest}.ls`)
  const { root } = JSON.parse(response.bytes.toString())
  const { size, narOffset } = root.entries.a
  assert.equal(nar.subarray(narOffset, narOffset + size).toString(), 'text')
  assert.equal((await ask(cache, `/${path.digest}.ls`, { 'if-none-match': response.headers.ETag! })).status, 304)
  assert.equal((await ask(cache, `/${'0'.repeat(32)}.ls`)).status, 404)
})
