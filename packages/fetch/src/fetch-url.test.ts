import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { formatHash, hashBytes, parseHash } from '@baryon/format'

import { fileHandler, type Handler, sendFile, sendPart, serve } from '../test/file-server.ts'
import { errorOf, has, sh, temporaryDirectory } from '../test/scene.ts'
import { type FetchUrlRequest, fetchUrl } from './fetch-url.ts'

const file = randomBytes(200_000)
const hash = hashBytes('sha256', file)
const fast = { backoff: 1, timeouts: { connect: 2000, stall: 2000 } }

test('fetches, hashes and tells progress', async (context) => {
  const { url, requests } = await serve(context, fileHandler({ '/a': file }))
  const progress: number[] = []
  const { destination, result } = await get(context, [`${url}/a`], {
    algorithms: ['sha1', 'sha512'],
    onProgress: ({ bytes, totalBytes }) => progress.push(bytes, totalBytes ?? -1),
  })
  assert.deepEqual(readFileSync(destination), file)
  assert.deepEqual(
    result.hashes,
    (['sha256', 'sha1', 'sha512'] as const).map((name) => hashBytes(name, file)),
  )
  assert.deepEqual([result.size, result.url], [file.length, `${url}/a`])
  assert.deepEqual(progress.slice(-2), [file.length, file.length])
  assert.equal(requests[0]!.headers['accept-encoding'], 'identity')
})

test('a dropped connection is taken up where it broke', async (context) => {
  const { url, requests } = await serve(context, (request, response, count) => {
    if (count === 1) sendPart(response, file, 120_000, { etag: '"v1"' })
    else sendFile(request, response, file)
  })
  const { destination } = await get(context, [url], { hash })
  assert.deepEqual(readFileSync(destination), file)
  assert.deepEqual(
    [requests.length, requests[1]!.headers.range, requests[1]!.headers['if-range']],
    [2, 'bytes=120000-', '"v1"'],
  )
})

test('a server without ranges sends all again', async (context) => {
  const { url } = await serve(context, (_request, response, count) => {
    if (count <= 2) sendPart(response, file, 50_000)
    else response.end(file)
  })
  const { destination } = await get(context, [url], { hash })
  assert.deepEqual(readFileSync(destination), file)
})

test('without hash and validator nothing is put together from parts', async (context) => {
  const { url, requests } = await serve(context, (request, response, count) => {
    if (count === 1) sendPart(response, file, 50_000)
    else sendFile(request, response, file)
  })
  const { destination } = await get(context, [url])
  assert.deepEqual(readFileSync(destination), file)
  assert.equal(requests[1]!.headers.range, undefined)
})

test('a file that changed between two parts is fetched again as a whole', async (context) => {
  const old = randomBytes(200_000)
  const { url } = await serve(context, (request, response, count) => {
    if (count === 1) sendPart(response, old, 50_000, { etag: '"v0"' })
    else if (count === 2)
      sendFile({ ...request, headers: { range: request.headers.range } } as typeof request, response, file)
    else sendFile(request, response, file)
  })
  const { destination } = await get(context, [url], { hash })
  assert.deepEqual(readFileSync(destination), file)
})

test('transient answers are tried again, Retry-After is waited for', async (context) => {
  const { url, requests } = await serve(context, (request, response, count) => {
    if (count === 1) response.writeHead(503, { 'retry-after': '0' }).end()
    else if (count === 2) response.writeHead(429).end()
    else if (count === 3) response.destroy()
    else sendFile(request, response, file)
  })
  await get(context, [url], { hash })
  assert.equal(requests.length, 4)
})

test('mirrors are tried in order, and all are named in the error', async (context) => {
  const { url } = await serve(context, fileHandler({ '/good': file, '/bad': Buffer.from('bad') }))
  const { result } = await get(context, [`${url}/missing`, `${url}/bad`, `${url}/good`, `${url}/never`], { hash })
  assert.equal(result.url, `${url}/good`)
  const error = await failure(context, [`${url}/missing`, 'http://127.0.0.1:1/refused', `${url}/gone`])
  assert.equal(error.code, 'FETCH_FAILED')
  for (const part of ['/missing: the server answered 404', '127.0.0.1:1/refused: no connection', '/gone']) {
    assert.ok(error.message.includes(part), error.message)
  }
})

test('a wrong hash: both are told, in both ways of writing', async (context) => {
  const { url } = await serve(context, fileHandler({ '/a': Buffer.from('other') }))
  const error = await failure(context, [`${url}/a`], { hash })
  assert.equal(error.code, 'HASH_MISMATCH')
  for (const one of [hash, hashBytes('sha256', 'other')]) {
    assert.ok(error.message.includes(formatHash(one, 'sri')))
    assert.ok(error.message.includes(formatHash(one, 'nix32')))
  }
  assert.match(error.hint ?? '', /write the hash/)
})

const failures: readonly (readonly [string, string, Handler])[] = [
  ['404', 'FETCH_NOT_FOUND', (_, response) => response.writeHead(404).end()],
  ['403', 'FETCH_FORBIDDEN', (_, response) => response.writeHead(403).end()],
  ['500', 'FETCH_HTTP', (_, response) => response.writeHead(500).end()],
  ['a loop of redirects', 'FETCH_REDIRECT', (_, response) => response.writeHead(302, { location: '/again' }).end()],
  [
    'a redirect to a file',
    'FETCH_REDIRECT',
    (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  ],
  ['silence', 'FETCH_TIMEOUT', () => {}],
  [
    'silence in the middle',
    'FETCH_TIMEOUT',
    (_, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('abc')
    },
  ],
  ['always less than announced', 'FETCH_INTERRUPTED', (_, response) => sendPart(response, file, 1000)],
  ['no HTTP', 'FETCH_HTTP', (request) => request.socket.end('SSH-2.0-x\r\n')],
]
for (const [name, code, handler] of failures) {
  test(`${name} gives ${code}, and leaves no file`, async (context) => {
    const { url } = await serve(context, handler)
    const error = await failure(context, [`${url}/x`], { attempts: 2, timeouts: { connect: 150, stall: 150 } })
    assert.equal(error.code, code)
    assert.ok(error.message.includes(`${url}/x`) && error.hint !== undefined && error.hint !== '')
  })
}

test('redirects are followed, also to another server', async (context) => {
  const { url } = await serve(context, fileHandler({ '/a b': file }))
  const first = await serve(context, (_, response) => response.writeHead(301, { location: `${url}/a%20b` }).end())
  const { destination } = await get(context, [first.url], { hash })
  assert.deepEqual(readFileSync(destination), file)
})

test('names that do not exist, and what is no URL', async (context) => {
  assert.equal((await failure(context, ['http://host.invalid/x'], { attempts: 1 })).code, 'FETCH_DNS')
  for (const url of ['x', 'ftp://localhost/x', '/etc/passwd', 'file://elsewhere/x']) {
    assert.equal((await failure(context, [url])).code, 'FETCH_BAD_URL', url)
  }
  assert.equal((await failure(context, [])).code, 'FETCH_BAD_URL')
})

test('local files', async (context) => {
  const directory = temporaryDirectory(context)
  const source = join(directory, 'a b#c')
  writeFileSync(source, file)
  const { destination } = await get(context, [pathToFileURL(source).href], { hash })
  assert.deepEqual(readFileSync(destination), file)
  assert.equal((await failure(context, [`file://${directory}/none`])).code, 'FETCH_NOT_FOUND')
  assert.equal((await failure(context, [`file://${directory}`])).code, 'FETCH_NOT_FOUND')
})

test('an abort throws its reason and leaves nothing', async (context) => {
  const { url } = await serve(context, (_, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('abc')
  })
  const directory = temporaryDirectory(context)
  const signal = AbortSignal.timeout(100)
  await assert.rejects(fetchUrl({ urls: [url], destination: join(directory, 'x'), signal }), { name: 'TimeoutError' })
  assert.deepEqual(readdirSync(directory), [])
})

test('a destination that cannot be written', async (context) => {
  const { url } = await serve(context, fileHandler({ '/a': file }))
  const directory = temporaryDirectory(context)
  writeFileSync(join(directory, 'file'), '')
  const error = await errorOf(() => fetchUrl({ urls: [`${url}/a`], destination: join(directory, 'file/x') }))
  assert.equal(error.code, 'FILE_UNWRITABLE')
})

test('passwords are not shown', async (context) => {
  const { url, requests } = await serve(context, fileHandler({}))
  const error = await failure(context, [url.replace('http://', 'http://user:secret@')])
  assert.ok(!error.message.includes('secret'))
  assert.equal(requests[0]!.headers.authorization, `Basic ${Buffer.from('user:secret').toString('base64')}`)
})

test('http_proxy and no_proxy of the environment', async (context) => {
  const proxy = await serve(context, (request, response) => response.end(`proxy ${request.url}`))
  const direct = await serve(context, (_, response) => response.end('direct'))
  const directory = temporaryDirectory(context)
  const script = `
    import { readFileSync } from 'node:fs'
    import { fetchUrl } from ${JSON.stringify(new URL('./fetch-url.ts', import.meta.url).href)}
    for (const url of ['http://host.invalid/x', ${JSON.stringify(direct.url)}]) {
      await fetchUrl({ urls: [url], destination: process.argv[1] })
      console.log(readFileSync(process.argv[1], 'utf8'))
    }`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script, join(directory, 'out')],
    { env: { ...process.env, http_proxy: proxy.url, no_proxy: '127.0.0.1' } },
  )
  assert.equal(stdout, 'proxy http://host.invalid/x\ndirect\n')
})

test('TLS: an unknown certificate is refused, one named by SSL_CERT_FILE is trusted', async (context) => {
  if (!has(context, 'openssl')) return
  const directory = temporaryDirectory(context)
  sh(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
      -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1`,
    directory,
  )
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(directory, name)))
  const server = https.createServer({ key, cert }, (_, response) => response.end('safe'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal((await failure(context, [url])).code, 'FETCH_TLS')
  const script = `
    import { fetchUrl } from ${JSON.stringify(new URL('./fetch-url.ts', import.meta.url).href)}
    console.log((await fetchUrl({ urls: [process.argv[1]], destination: process.argv[2] })).size)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module-typescript', '-e', script, url, join(directory, 'out')],
    { env: { ...process.env, NIX_SSL_CERT_FILE: join(directory, 'cert.pem') } },
  )
  assert.equal(stdout, '4\n')
})

test('a hash of another algorithm', async (context) => {
  const { url } = await serve(context, fileHandler({ '/a': Buffer.from('abc') }))
  const wanted = parseHash('a9993e364706816aba3e25717850c26c9cd0d89d', 'sha1')
  assert.deepEqual((await get(context, [`${url}/a`], { hash: wanted })).result.hash, wanted)
})

async function get(context: TestContext, urls: readonly string[], request: Partial<FetchUrlRequest> = {}) {
  const directory = temporaryDirectory(context)
  const destination = join(directory, 'result')
  const result = await fetchUrl({ ...fast, ...request, urls, destination })
  assert.deepEqual(readdirSync(directory), ['result'])
  return { destination, result }
}

async function failure(context: TestContext, urls: readonly string[], request: Partial<FetchUrlRequest> = {}) {
  const directory = temporaryDirectory(context)
  const error = await errorOf(() => fetchUrl({ ...fast, ...request, urls, destination: join(directory, 'result') }))
  assert.deepEqual(readdirSync(directory), [])
  return error
}
