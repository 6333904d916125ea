/** Caches on web servers: what they may do to us, and that we get there all the same or end with a clear error. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openCache, openLookup, openLookupCache, openSubstituters, pushPaths } from '@baryon/cache'
import { storePathBaseName } from '@baryon/format'
import { cleanEnvironment, nixEnvironment, peer, temporaryDirectory } from '@baryon/testing'
import { emptyStore, expectSound, impatient, pull, push, scene, testPublicKey, trusting } from './scene.ts'
import { type Fault, serveDirectory } from './web-server.ts'

const nix = peer('nix')
const flags = ['--extra-experimental-features', 'nix-command']

async function served(t: TestContext, fault?: Fault, compression: 'none' | 'zstd' = 'none', ranges = true) {
  const origin = scene(t)
  const directory = join(temporaryDirectory(t), 'cache')
  await push(origin.store, directory, [origin.app], { compression })
  const server = await serveDirectory(t, directory, { ...(fault === undefined ? {} : { fault }), ranges })
  return { ...origin, directory, server, target: emptyStore(t) }
}

const isNar = (name: string): boolean => name.startsWith('nar/')

test('a closure comes over a few connections that are kept', async (t) => {
  const { target, server, app, lib } = await served(t)
  await pull(target, [server.url], [app])
  expectSound(target, [app, lib])
  assert.ok(server.connections() <= 8, `${server.connections()} connections`)
  assert.equal(new Set(server.requests).size, server.requests.length, 'nothing is asked twice')
})

test('Nix pulls from the same server', { skip: nix.skip }, async (t) => {
  const { store, app, lib, target, server } = await served(t, undefined, 'zstd')
  const home = temporaryDirectory(t)
  const copy = ['copy', '--from', server.url, store.format(app), '--option', 'trusted-public-keys', testPublicKey]
  // The server runs in this very process, so that it must not wait for the peer.
  const child = spawn('nix', [...flags, ...copy], {
    env: { ...cleanEnvironment(home), ...nixEnvironment(target) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const status = await new Promise((resolve) => child.on('close', resolve))
  assert.equal(status, 0, errors)
  expectSound(target, [app, lib])
})

const survivable: readonly (readonly [string, Fault])[] = [
  [
    'drops the connection in the middle of every archive, twice',
    (name, response, file, count) => {
      if (!isNar(name) || count > 2 || file!.length < 1000) return false
      response.writeHead(200, { 'content-length': file!.length })
      response.write(file!.subarray(0, Math.floor((file!.length * count) / 3)), () =>
        setTimeout(() => response.destroy(), 20),
      )
      return true
    },
  ],
  [
    'answers 500 and 503 before it answers',
    (_name, response, _file, count) => {
      if (count > 2) return false
      response.writeHead(count === 1 ? 500 : 503).end()
      return true
    },
  ],
  [
    'stalls at first',
    (name, response, file, count) => {
      if (!isNar(name) || count > 1) return false
      response.writeHead(200, { 'content-length': file!.length })
      response.write(file!.subarray(0, 10))
      return true
    },
  ],
  [
    'sends less than it has, without saying so',
    (name, response, file, count) => {
      if (!isNar(name) || count > 1) return false
      response.writeHead(200, {}).end(file!.subarray(0, file!.length >> 1))
      return true
    },
  ],
]

for (const [what, fault] of survivable) {
  for (const ranges of [true, false]) {
    test(`a server that ${what} gives the paths in the end (${ranges ? 'with' : 'without'} ranges)`, async (t) => {
      const { target, server, app, lib, source, text } = await served(t, fault, 'none', ranges)
      await pull(target, [server.url], [app])
      expectSound(target, [app, lib, source, text])
    })
  }
}

const fatal: readonly (readonly [string, string, Fault])[] = [
  [
    'truncates every answer',
    'SIZE_MISMATCH',
    (name, response, file) => isNar(name) && !!response.writeHead(200).end(file!.subarray(0, 50)),
  ],
  ['answers 500 for ever', 'FETCH_HTTP', (name, response) => isNar(name) && !!response.writeHead(500).end()],
  [
    'never answers',
    'FETCH_TIMEOUT',
    (name, response) => {
      if (isNar(name)) response.writeHead(200).flushHeaders()
      return isNar(name)
    },
  ],
  [
    'changed a byte',
    'HASH_MISMATCH',
    (name, response, file) => {
      if (!isNar(name)) return false
      const bytes = Buffer.from(file!)
      // Within the contents of a file, where the archive stays well-formed.
      bytes[97]! ^= 1
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
      return true
    },
  ],
  [
    'sends more than it announced',
    'SIZE_MISMATCH',
    (name, response, file) => isNar(name) && !!response.writeHead(200).end(Buffer.concat([file!, Buffer.alloc(100)])),
  ],
  ['lost its archives', 'CACHE_FILE_MISSING', (name, response) => isNar(name) && !!response.writeHead(404).end()],
  [
    'redirects for ever',
    'FETCH_REDIRECT',
    (name, response) => isNar(name) && !!response.writeHead(302, { location: `/${name}` }).end(),
  ],
  ['wants a password', 'FETCH_FORBIDDEN', (name, response) => isNar(name) && !!response.writeHead(401).end()],
]

for (const [what, code, fault] of fatal) {
  test(`a server that ${what} ends with ${code}, and nothing stays`, async (t) => {
    const { target, server, text } = await served(t, fault)
    await assert.rejects(pull(target, [server.url], [text]), { code })
    expectSound(target, [])
    assert.deepEqual(
      readdirSync(target.physicalDirectory).filter((name) => name !== '.links'),
      [],
    )
  })

  test(`from a server that ${what} one goes on to the next`, async (t) => {
    const { target, server, directory, app, lib, source, text } = await served(t, fault)
    const notices: string[] = []
    const onEvent = (event: { readonly kind: string; readonly message?: string }): void => {
      if (event.kind === 'notice') notices.push(event.message!)
    }
    await pull(target, [`${server.url}?priority=1`, `file://${directory}?priority=2`], [app], { onEvent })
    expectSound(target, [app, lib, source, text])
    assert.ok(notices.length > 0)
    assert.match(notices[0]!, /^http:\/\/127\.0\.0\.1/)
  })
}

test('answers are remembered, present ones for 30 days and missing ones for an hour', async (t) => {
  const { store, server, app, directory } = await served(t)
  const options = { storeDirectory: store.storeDirectory, ...impatient }
  const missing = store.parse(`${store.storeDirectory}/${'4'.repeat(32)}-not-there`)
  let now = 1_800_000_000_000
  const file = join(temporaryDirectory(t), 'lookups.sqlite')
  const ask = async (): Promise<string[]> => {
    const lookups = openLookupCache(file, () => now)!
    const lookup = await openLookup(openCache(server.url, options), { trust: trusting, lookups })
    const found = await lookup.find([app, missing])
    lookups.close()
    assert.deepEqual([...found.keys()], [storePathBaseName(app)])
    return server.requests.splice(0).sort()
  }
  const [there, gone] = [`GET /${app.digest}.narinfo`, `GET /${missing.digest}.narinfo`]
  assert.deepEqual(await ask(), [there, gone, 'GET /nix-cache-info'].sort())
  assert.deepEqual(await ask(), [])
  now += 3601_000
  assert.deepEqual(await ask(), [gone])
  now += 29 * 24 * 3600_000
  assert.deepEqual(await ask(), [gone, 'GET /nix-cache-info'].sort())
  now += 2 * 24 * 3600_000
  assert.ok((await ask()).includes(there))
  assert.ok(readFileSync(join(directory, 'nix-cache-info'), 'utf8').startsWith('StoreDir: '))
})

test('what was remembered of an archive that is gone is asked anew', async (t) => {
  const { store, server, text, directory, target } = await served(t)
  const lookups = openLookupCache(join(temporaryDirectory(t), 'lookups.sqlite'))!
  t.after(() => lookups.close())
  const address = { url: server.url, options: { storeDirectory: store.storeDirectory, ...impatient } }
  const open = () => openSubstituters([address], { trust: trusting, lookups, onNotice: assert.fail })
  const [before] = await open()
  await before!.query([text])
  // The cache was made again with another compression.
  rmSync(directory, { recursive: true })
  await push(store, directory, [text], { compression: 'gzip' })
  const [after] = await open()
  assert.equal((await after!.query([text])).length, 1)
  const location = target.reservePlace(text)!
  await after!.unpack(text, location, { signal: undefined, onProgress: () => undefined })
  target.placeReceived([{ info: store.pathInfo(text), location }])
  expectSound(target, [text])
})

test('caches are asked by priority; one that is down, or of another store, is left out', async (t) => {
  const { store, server, directory } = await served(t)
  const options = { storeDirectory: store.storeDirectory, ...impatient }
  const elsewhere = temporaryDirectory(t)
  writeFileSync(join(elsewhere, 'nix-cache-info'), 'StoreDir: /nix/store\n')
  const notices: string[] = []
  const urls = [`file://${directory}`, 'http://127.0.0.1:9', `file://${elsewhere}`, `${server.url}?priority=10`]
  const substituters = await openSubstituters(
    urls.map((url) => ({ url, options })),
    { trust: trusting, onNotice: (message) => notices.push(message) },
  )
  assert.deepEqual(
    substituters.map(({ name }) => name),
    [server.url, `file://${directory}`],
  )
  assert.equal(notices.length, 2)
  assert.match(notices.join('\n'), /127\.0\.0\.1:9.*no connection/)
  assert.match(notices.join('\n'), /is a cache for '\/nix\/store', not for '\/cvmfs/)
})

for (const compression of ['none', 'zstd'] as const) {
  test(`paths are pushed to a server with a token (${compression})`, async (t) => {
    const { store, app, lib } = scene(t)
    const directory = temporaryDirectory(t)
    const server = await serveDirectory(t, directory, { token: 'secret' })
    const address = (token: string | undefined) => ({
      url: server.url,
      options: { storeDirectory: store.storeDirectory, token, ...impatient },
    })
    const options = { compression, writeListing: true, keys: [] } as const
    for (const token of [undefined, 'wrong']) {
      await assert.rejects(pushPaths(store, address(token), [app], options), { code: 'FETCH_FORBIDDEN' })
    }
    assert.deepEqual(readdirSync(directory), [])
    const report = await pushPaths(store, address('secret'), [app], options)
    assert.equal(report.pushed.length, 4)
    const names = server.requests.filter((line) => line.startsWith('PUT') && line.endsWith('.narinfo'))
    assert.ok(names.indexOf(`PUT /${lib.digest}.narinfo`) < names.indexOf(`PUT /${app.digest}.narinfo`))
    assert.equal((await pushPaths(store, address('secret'), [app], options)).pushed.length, 0)
    const target = emptyStore(t)
    await pull(target, [server.url], [app], { trust: { keys: [], trustAll: true } })
    expectSound(target, [app, lib])
  })
}

test('a path that changed on disk is not pushed', async (t) => {
  const { store, lib } = scene(t)
  const file = join(store.physicalPath(lib), 'self')
  chmodSync(file, 0o644)
  writeFileSync(file, 'changed')
  const directory = join(temporaryDirectory(t), 'cache')
  for (const compression of ['none', 'zstd', 'gzip'] as const) {
    await assert.rejects(push(store, directory, [lib], { compression }), { code: 'PATH_CORRUPT' })
  }
  assert.deepEqual(readdirSync(join(directory, 'nar')), [])
})
