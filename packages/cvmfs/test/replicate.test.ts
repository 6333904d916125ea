import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'
import {
  checkRepository,
  createRepository,
  directorySource,
  directoryStorage,
  httpSource,
  parseProxies,
  publish,
  readKeys,
  replicate,
} from '../index.ts'

const data = join(import.meta.dirname, 'data')
const samplePublicKeys = [readFileSync(join(data, 'sample.pub'))]
const sample = join(data, 'sample')

test('a replica of the sample has the bytes of the original, and is right', async (context) => {
  const directory = temporaryDirectory(context)
  const server = await serve(context, sample)
  const options = { source: httpSource(server.url), publicKeys: samplePublicKeys, directory }
  const first = await replicate(options)
  assert.deepEqual([first.revision, first.isChanged, first.catalogs], [2, true, 6])
  for (const name of ['.cvmfspublished', '.cvmfswhitelist']) {
    assert.deepEqual(readFileSync(join(directory, name)), readFileSync(join(sample, name)))
  }
  for (const prefix of readdirSync(join(sample, 'data'))) {
    for (const name of readdirSync(join(sample, 'data', prefix))) {
      // What only other revisions had is not copied.
      const place = join(directory, 'data', prefix, name)
      try {
        assert.deepEqual(readFileSync(place), readFileSync(join(sample, 'data', prefix, name)))
      } catch (error) {
        assert.ok(/[CHM]$|^[0-9a-f]{38}$/.test(name) && (error as NodeJS.ErrnoException).code === 'ENOENT', place)
      }
    }
  }
  const stored = await Array.fromAsync(directoryStorage(directory).objects())
  assert.deepEqual([first.objects, first.bytes], [stored.length, stored.reduce((sum, { size }) => sum + size, 0)])
  const again = await replicate(options)
  assert.deepEqual([again.isChanged, again.objects], [false, 0])
  const report = await checkRepository({
    source: directorySource(directory),
    publicKeys: samplePublicKeys,
    cacheDirectory: temporaryDirectory(context),
    withTags: true,
  })
  assert.deepEqual(report.problems, [])
  assert.deepEqual(readdirSync(join(directory, 'data/txn')), ['publish.lock'])
})

/** What a server does to the answer for the nth request of a name. */
type Mischief = (name: string, count: number) => 'drop' | 'truncate' | 'corrupt' | 'error' | 'hang up' | undefined

const mischiefs: Readonly<Record<string, Mischief>> = {
  'drops every connection once': (_, count) => (count === 1 ? 'drop' : undefined),
  'ends half of its answers early': (_, count) => (count % 2 === 1 ? 'truncate' : undefined),
  'has damaged copies in a cache': (name, count) => (name.startsWith('data/') && count === 1 ? 'corrupt' : undefined),
  'is overloaded now and then': (_, count) => (count === 1 ? 'error' : undefined),
  'hangs up without an answer': (_, count) => (count === 1 ? 'hang up' : undefined),
}

for (const [name, mischief] of Object.entries(mischiefs)) {
  test(`a server that ${name}`, async (context) => {
    const directory = temporaryDirectory(context)
    const server = await serve(context, sample, mischief)
    const result = await replicate({ source: httpSource(server.url), publicKeys: samplePublicKeys, directory })
    assert.equal(result.catalogs, 6)
    assert.ok(server.mischiefs > 5, String(server.mischiefs))
    await rightAt(context, directory)
  })
}

test('a server that is always wrong ends with a code, and nothing appears', async (context) => {
  for (const [kind, code] of [
    ['drop', 'CVMFS_HTTP'],
    ['corrupt', 'CVMFS_CORRUPT'],
    ['error', 'CVMFS_HTTP'],
  ] as const) {
    const directory = temporaryDirectory(context)
    const server = await serve(context, sample, (name) => (/^data\/...*[0-9a-f]$/.test(name) ? kind : undefined))
    await assert.rejects(
      replicate({ source: httpSource(server.url), publicKeys: samplePublicKeys, directory }),
      (error) => {
        assert.equal((error as { code: string }).code, code, String(error))
        return true
      },
    )
    assert.ok(!readdirSync(directory).includes('.cvmfspublished'))
    // The next one goes on.
    const good = await serve(context, sample)
    await replicate({ source: httpSource(good.url), publicKeys: samplePublicKeys, directory })
    await rightAt(context, directory)
  }
})

test('the next mirror is taken when one is dead, empty or damaged', async (context) => {
  const good = await serve(context, sample)
  const dead = await serve(context, sample, () => 'hang up')
  const empty = await serve(context, temporaryDirectory(context))
  const damaged = await serve(context, sample, (name) => (name.startsWith('data/') ? 'corrupt' : undefined))
  for (const other of [dead, empty, damaged]) {
    const directory = temporaryDirectory(context)
    const source = httpSource(`${other.url};${good.url}`)
    await replicate({ source, publicKeys: samplePublicKeys, directory })
    await rightAt(context, directory)
  }
})

test('an older revision never replaces a newer one', async (context) => {
  const [origin, keys, cache, tree, directory] = Array.from({ length: 5 }, () => temporaryDirectory(context)) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const name = 'roll.hep.example'
  await createRepository({ name, directory: origin, keyDirectory: keys })
  const { publicKey, privateKey } = readKeys(name, keys)
  const old = readFileSync(join(origin, '.cvmfspublished'))
  mkdirSync(join(tree, 'x'))
  writeFileSync(join(tree, 'x/file'), 'text')
  await publish({ storage: directoryStorage(origin), publicKeys: [publicKey], privateKey, cacheDirectory: cache }, [
    { kind: 'tree', at: '/x', from: join(tree, 'x') },
  ])
  const options = { source: directorySource(origin), publicKeys: [publicKey], directory }
  assert.equal((await replicate(options)).revision, 2)
  const newest = readFileSync(join(directory, '.cvmfspublished'))
  writeFileSync(join(origin, '.cvmfspublished'), old)
  await assert.rejects(replicate(options), { code: 'CVMFS_ROLLBACK' })
  assert.deepEqual(readFileSync(join(directory, '.cvmfspublished')), newest)
  await assert.rejects(replicate({ ...options, source: directorySource(sample), publicKeys: samplePublicKeys }), {
    code: 'CVMFS_NAME_MISMATCH',
  })
})

test('through a proxy, past dead ones', async (context) => {
  const good = await serve(context, sample)
  const proxy = await forwarder(context)
  const dead = await serve(context, sample)
  dead.close()
  const directory = temporaryDirectory(context)
  const source = httpSource(good.url, { proxies: `${dead.url};${proxy.url}|${proxy.url};DIRECT` })
  await replicate({ source, publicKeys: samplePublicKeys, directory })
  await rightAt(context, directory)
  assert.ok(proxy.forwarded > 20)
})

test('lists of proxies', () => {
  const shown = (text: string) => parseProxies(text, () => 0).map((url) => url?.href ?? 'DIRECT')
  assert.deepEqual(shown(''), ['DIRECT'])
  assert.deepEqual(shown('DIRECT'), ['DIRECT'])
  assert.deepEqual(shown('http://a:3128|b:3128; c ;DIRECT'), [
    'http://a:3128/',
    'http://b:3128/',
    'http://c/',
    'DIRECT',
  ])
  for (const text of ['ftp://a', 'http://', 'a b'])
    assert.throws(() => parseProxies(text), { code: 'CVMFS_PROXY' }, text)
})

async function rightAt(context: TestContext, directory: string): Promise<void> {
  const cacheDirectory = temporaryDirectory(context)
  const source = directorySource(directory)
  const report = await checkRepository({ source, publicKeys: samplePublicKeys, cacheDirectory, withTags: true })
  assert.deepEqual(report.problems, [])
}

async function serve(context: TestContext, directory: string, mischief: Mischief = () => undefined) {
  const counts = new Map<string, number>()
  const state = { url: '', mischiefs: 0, close: () => server.close() }
  const server = createServer((question, response) => {
    const name = question.url!.slice(1)
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    let bytes: Buffer
    try {
      bytes = readFileSync(join(directory, name))
    } catch {
      response.writeHead(404).end()
      return
    }
    const start = Number(/^bytes=(\d+)-$/.exec(question.headers.range ?? '')?.[1] ?? 0)
    const kind = mischief(name, question.headers['cache-control'] === 'no-cache' ? count + 1 : count)
    if (kind !== undefined) state.mischiefs++
    if (kind === 'hang up') {
      question.socket.destroy()
      return
    }
    if (kind === 'error') {
      response.writeHead(503).end('busy')
      return
    }
    if (kind === 'corrupt') {
      bytes = Buffer.from(bytes)
      bytes[bytes.length >> 1]! ^= 0x20
    }
    const rest = bytes.subarray(start)
    response.writeHead(start > 0 ? 206 : 200, { 'Content-Length': rest.length })
    if (kind === 'drop' || kind === 'truncate') {
      response.write(rest.subarray(0, kind === 'drop' ? Math.min(rest.length, 1) : rest.length >> 1))
      setTimeout(() => question.socket.destroy(), 5)
    } else {
      response.end(rest)
    }
  })
  state.url = await listen(context, server)
  return state
}

/** A proxy as simple as can be. */
async function forwarder(context: TestContext) {
  const state = { url: '', forwarded: 0 }
  const server = createServer((question, response) => {
    state.forwarded++
    const outgoing = request(question.url!, { headers: question.headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.writeHead(502).end())
    outgoing.end()
  })
  state.url = await listen(context, server)
  return state
}

async function listen(context: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
