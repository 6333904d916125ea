/** Uploads: by the real client, and by clients that lie. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  formatHash,
  formatNarinfo,
  formatSecretKey,
  generateKeyPair,
  hashBytes,
  type Narinfo,
  pathFingerprint,
  type StorePath,
  sign,
} from '@baryon/format'
import { dumpNar, type Store } from '@baryon/store'
import { readTree, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import type { BinaryCacheOptions, HttpLimits } from '../index.ts'
import { nixClient, serve, skip } from './serving.ts'

const token = 'correct-horse-battery'
const bearer = { Authorization: `Bearer ${token}` }

/** A store that takes uploads, and one that has something to upload. */
async function open(
  t: TestContext,
  options: Partial<BinaryCacheOptions> & { readonly limits?: Partial<HttpLimits> } = {},
) {
  const { store: target } = temporaryStore(t)
  const { store: source } = temporaryStore(t)
  const text = source.addText('text', 'a text\n')
  const directory = temporaryDirectory(t)
  writeTree(join(directory, 'tree'), {
    entries: { run: { file: '#!/bin/sh\n', mode: 0o755 }, data: Buffer.alloc(100_000) },
  })
  const tree = source.addPath('tree', join(directory, 'tree'), { references: [text] })
  const serving = await serve(t, target, { token, ...options })
  return { ...serving, target, source, text, tree }
}

/** Nothing but what is valid, and no file that waits for anything. */
function assertClean(store: Store, valid: readonly StorePath[]): void {
  const names = readdirSync(store.physicalDirectory).filter((name) => name !== '.links')
  assert.deepEqual(names.sort(), valid.map((path) => `${path.digest}-${path.name}`).sort())
  assert.deepEqual(
    store.allValidPaths().map((path) => path.digest),
    valid.map((path) => path.digest).sort(),
  )
  const uploads = join(store.ownDirectory, 'uploads')
  const left = existsSync(uploads)
    ? readdirSync(uploads, { recursive: true }).filter((name) => name !== String(process.pid))
    : []
  assert.deepEqual(left, [])
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
}

interface Upload {
  readonly narinfo: Narinfo
  readonly file: Buffer
}

function uploadOf(
  store: Store,
  path: StorePath,
  compress: (nar: Buffer) => Buffer = (nar) => nar,
  name = 'none',
): Upload {
  const chunks: Buffer[] = []
  dumpNar(store.physicalPath(path), (chunk) => chunks.push(Buffer.from(chunk)))
  return describe(path, Buffer.concat(chunks), store.pathInfo(path).references, compress, name)
}

function describe(
  path: StorePath,
  nar: Buffer,
  references: readonly StorePath[],
  compress: (nar: Buffer) => Buffer = (bytes) => bytes,
  compression = 'none',
): Upload {
  const file = compress(nar)
  const fileHash = hashBytes('sha256', file)
  const narinfo = {
    path,
    url: `nar/${formatHash(fileHash, 'nix32', false)}.nar`,
    compression,
    fileHash,
    fileSize: file.length,
    narHash: hashBytes('sha256', nar),
    narSize: nar.length,
    references,
    signatures: [],
  }
  return { narinfo, file }
}

async function put(url: string, target: string, body: string | Buffer, headers: Record<string, string> = bearer) {
  const response = await fetch(`${url}/${target}`, { method: 'PUT', headers, body: Buffer.from(body) })
  return { status: response.status, code: /error\[(\w+)\]/.exec(await response.text())?.[1] }
}

async function upload(url: string, store: Store, { narinfo, file }: Upload) {
  const nar = await put(url, narinfo.url, file)
  if (nar.status !== 200) return nar
  return put(url, `${narinfo.path.digest}.narinfo`, formatNarinfo(store.storeDirectory, narinfo))
}

test('nix copy uploads with the token from its netrc-file, in every compression', { skip }, async (t) => {
  for (const compression of ['xz', 'none', 'zstd', 'bzip2', 'gzip']) {
    const { url, target, source, text, tree } = await open(t)
    const client = nixClient(t, source)
    const netrc = join(temporaryDirectory(t), 'netrc')
    const options = `compression=${compression}&write-nar-listing=true&index-debug-info=true`
    const copy = () =>
      client.nix('--option', 'netrc-file', netrc, 'copy', '--to', `${url}?${options}`, source.format(tree))

    writeFileSync(netrc, 'machine 127.0.0.1 login nix password wrong-horse-battery\n')
    const refused = await copy()
    assert.notEqual(refused.status, 0)
    assert.match(refused.stderr, /HTTP error 401/)
    assertClean(target, [])

    writeFileSync(netrc, `machine 127.0.0.1 login nix password ${token}\n`)
    const copied = await copy()
    assert.equal(copied.status, 0, copied.stderr)
    assertClean(target, [text, tree])
    assert.deepEqual(readTree(target.physicalPath(tree)), readTree(source.physicalPath(tree)))
    const served = nixClient(t, temporaryStore(t).store)
    const back = await served.nix('copy', '--no-check-sigs', '--from', url, source.format(tree))
    assert.equal(back.status, 0, back.stderr)
  }
})

test('without a token file nobody uploads, without the token neither', async (t) => {
  const closed = await open(t, { token: undefined })
  assert.deepEqual(await upload(closed.url, closed.source, uploadOf(closed.source, closed.text)), {
    status: 403,
    code: 'UPLOAD_DISABLED',
  })
  const { url, source, text, target } = await open(t)
  const { narinfo, file } = uploadOf(source, text)
  const basic = (pair: string) => ({ Authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
  for (const headers of [
    {},
    { Authorization: `Bearer ${token}x` },
    { Authorization: token },
    basic(token),
    basic('x:'),
  ])
    assert.equal((await put(url, narinfo.url, file, headers as Record<string, string>)).status, 401)
  assertClean(target, [])
  assert.equal((await put(url, narinfo.url, file, basic(`anybody:${token}`))).status, 200)
  assert.equal((await fetch(`${url}/${narinfo.url}`)).status, 404, 'what waits for its narinfo is not given out')
  assert.equal((await fetch(`${url}/${narinfo.url}`, { method: 'HEAD' })).status, 200)
})

test('uploads that lie are refused with a code, and leave nothing', async (t) => {
  const { url, target, source, text, tree } = await open(t, { uploadLimit: 1_000_000 })
  const good = uploadOf(source, text)
  const evilNar = Buffer.from(good.file)
  const string = (value: string) => {
    const bytes = Buffer.alloc(8 + Math.ceil(value.length / 8) * 8)
    bytes.writeUInt32LE(value.length)
    bytes.write(value, 8, 'latin1')
    return bytes
  }
  const words = (...texts: string[]) => Buffer.concat(texts.map(string))
  const file = ['(', 'type', 'regular', 'contents', 'x', ')']
  const entry = (name: string) =>
    words('nix-archive-1', '(', 'type', 'directory', 'entry', '(', 'name', name, 'node', ...file, ')', ')')
  const bomb = Buffer.concat([evilNar, Buffer.alloc(50_000_000)])
  const path: StorePath = { digest: text.digest, name: 'evil' }
  const changed = (fields: Partial<Narinfo>): Upload => ({ ...good, narinfo: { ...good.narinfo, ...fields } })
  const evil = describe(path, evilNar, [])
  const cases: readonly (readonly [string, Upload, number, string])[] = [
    ['a wrong NAR hash', changed({ narHash: hashBytes('sha256', 'x') }), 400, 'HASH_MISMATCH'],
    ['a NAR size too large', changed({ narSize: 1000 }), 400, 'SIZE_MISMATCH'],
    ['a NAR size of nothing', changed({ narSize: 0 }), 400, 'SIZE_MISMATCH'],
    ['another file size', changed({ fileSize: 5 }), 400, 'SIZE_MISMATCH'],
    ['another file hash', changed({ fileHash: hashBytes('sha256', 'x') }), 400, 'UPLOAD_HASH_MISMATCH'],
    ['a reference that is not there', changed({ references: [tree] }), 409, 'REFERENCE_INVALID'],
    [
      'a false content address',
      changed({ contentAddress: { method: 'text', hash: hashBytes('sha256', 'x') } }),
      400,
      'HASH_MISMATCH',
    ],
    [
      'the content address of another path',
      {
        ...evil,
        narinfo: { ...evil.narinfo, contentAddress: { method: 'text', hash: hashBytes('sha256', 'a text\n') } },
      },
      400,
      'CONTENT_ADDRESS_MISMATCH',
    ],
    ['an unknown compression', changed({ compression: 'rot13' }), 400, 'UPLOAD_COMPRESSION'],
    ['compressed data that is none', changed({ compression: 'xz' }), 400, 'ARCHIVE_CORRUPT'],
    ['a signature with a blank', changed({ signatures: ['a:b c'] }), 400, 'SIGNATURE_INVALID'],
    ['a name that leads out', describe(path, entry('..'), []), 400, 'NAR_INVALID'],
    ['a name with a slash', describe(path, entry('../../x'), []), 400, 'NAR_INVALID'],
    ['a NAR that is cut off', describe(path, evilNar.subarray(0, 60), []), 400, 'NAR_INVALID'],
    ['something behind the NAR', describe(path, Buffer.concat([evilNar, evilNar]), []), 400, 'NAR_INVALID'],
    ['a small file that unpacks to a large one', describe(path, bomb, [], gzipSync, 'gzip'), 400, 'NAR_INVALID'],
    ['a file that is too large', describe(path, bomb.subarray(0, 1_500_000), []), 413, 'UPLOAD_TOO_LARGE'],
  ]
  for (const [what, lie, status, code] of cases) {
    assert.deepEqual(await upload(url, source, lie), { status, code }, what)
    assertClean(target, [])
  }

  const unpacked = describe(path, bomb, [], zstdCompressSync, 'zstd')
  const small = { ...unpacked, narinfo: { ...unpacked.narinfo, narSize: 1000 } }
  assert.deepEqual(await upload(url, source, small), { status: 400, code: 'SIZE_MISMATCH' })

  const info = formatNarinfo(source.storeDirectory, good.narinfo)
  const name = `${text.digest}.narinfo`
  assert.deepEqual(await put(url, good.narinfo.url.replace(/\/.{4}/, '/0000'), good.file), {
    status: 400,
    code: 'UPLOAD_HASH_MISMATCH',
  })
  assert.deepEqual(await put(url, name, info), { status: 409, code: 'UPLOAD_NAR_MISSING' })
  assert.deepEqual(await put(url, `${tree.digest}.narinfo`, info), { status: 400, code: 'UPLOAD_NAME_MISMATCH' })
  assert.deepEqual(await put(url, name, 'no narinfo'), { status: 400, code: 'NARINFO_INVALID' })
  assert.deepEqual(await put(url, name, 'x'.repeat(2_000_000)), { status: 413, code: 'UPLOAD_TOO_LARGE' })
  assert.deepEqual(await put(url, name, info.replace(/URL: .*/, 'URL: ../../etc/passwd')), {
    status: 400,
    code: 'UPLOAD_URL_INVALID',
  })
  assert.deepEqual(await put(url, 'healthz', 'x'), { status: 404, code: 'NOT_FOUND' })
  assertClean(target, [])

  assert.equal((await upload(url, source, good)).status, 200)
  assert.equal((await upload(url, source, uploadOf(source, tree, zstdCompressSync, 'zstd'))).status, 200)
  assertClean(target, [text, tree])
  // Once more does no harm, nor does a lie about what is there.
  assert.equal((await upload(url, source, good)).status, 200)
  assert.equal((await upload(url, source, changed({ narHash: hashBytes('sha256', 'x') }))).status, 200)
  assertClean(target, [text, tree])
})

test('with trusted keys, only what they have signed, or what its contents name', async (t) => {
  const [trusted, stranger] = [generateKeyPair('trusted'), generateKeyPair('trusted')]
  assert.notEqual(formatSecretKey(trusted), formatSecretKey(stranger))
  const { url, target, source, text } = await open(t, { trustedKeys: [trusted.publicKey] })
  const nar = uploadOf(source, text).file
  const built = describe({ digest: 'a'.repeat(32), name: 'built' }, nar, [])
  const signed = (key: typeof trusted): Upload => {
    const signature = sign(key, pathFingerprint(source.storeDirectory, built.narinfo))
    return { ...built, narinfo: { ...built.narinfo, signatures: [signature] } }
  }
  for (const refused of [built, signed(stranger)])
    assert.deepEqual(await upload(url, source, refused), { status: 403, code: 'UPLOAD_UNTRUSTED' })
  assert.equal((await upload(url, source, signed(trusted))).status, 200)
  const { contentAddress } = source.pathInfo(text)
  assert.match(contentAddress!, /^text:/)
  const addressed = uploadOf(source, text)
  const named = {
    ...addressed.narinfo,
    contentAddress: { method: 'text', hash: hashBytes('sha256', 'a text\n') },
  } as const
  assert.equal((await upload(url, source, { ...addressed, narinfo: named })).status, 200)
  assertClean(
    target,
    [text, built.narinfo.path].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
  )
})

test('bodies that stop, crawl or never end are cut, and leave nothing', async (t) => {
  const { url, target } = await open(t, { limits: { pace: 700, headers: 700 } })
  const patient = await open(t, { uploadLimit: 1_000_000 })
  const hash = formatHash(hashBytes('sha256', 'x'), 'nix32', false)
  const head = (length: number | string) =>
    `PUT /nar/${hash}.nar HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
    (typeof length === 'number' ? `Content-Length: ${length}\r\n\r\n` : `Transfer-Encoding: chunked\r\n\r\n`)
  const talk = async (first: string, next: (() => string) | undefined, to = url) => {
    const socket = connect(Number(new URL(to).port), '127.0.0.1')
    socket.on('error', () => undefined)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    socket.write(first)
    const timer = next === undefined ? undefined : setInterval(() => socket.writable && socket.write(next()), 50)
    await Promise.race([closed, sleep(20_000)])
    clearInterval(timer)
    assert.ok(socket.destroyed, 'the server hangs up')
    return answer
  }
  assert.match(await talk(head(1000), undefined), /^HTTP\/1.1 408 [\s\S]*UPLOAD_TOO_SLOW/)
  assert.match(await talk(head(1000), () => 'x'), /^HTTP\/1.1 408 [\s\S]*UPLOAD_TOO_SLOW/)
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`
  assert.match(await talk(head('chunked') + chunk, () => chunk, patient.url), /^HTTP\/1.1 413 [\s\S]*UPLOAD_TOO_LARGE/)
  // Headers that never end.
  assert.match(await talk('GET / HTTP/1.1\r\nHost: x\r\n', () => 'X: y\r\n'), /^HTTP\/1.1 4(08|31) /)

  const gone = connect(Number(new URL(url).port), '127.0.0.1')
  gone.write(`${head(1000)}xyz`, () => setTimeout(() => gone.destroy(), 100))
  await new Promise((resolve) => gone.on('close', resolve))
  await sleep(300)
  assertClean(target, [])
  assertClean(patient.target, [])
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('build logs join those of the store, and replace none', { skip }, async (t) => {
  const { url, target, source } = await open(t)
  const name = `${'a'.repeat(32)}-x.drv`
  const ask = async () => (await fetch(`${url}/log/${name}`)).text()
  assert.equal((await put(url, `log/${name}`, zstdCompressSync('the log'))).status, 200)
  assert.equal(await ask(), 'the log')
  assert.equal((await put(url, `log/${name}`, 'another')).status, 200)
  assert.equal(await ask(), 'the log')
  assert.equal((await put(url, `log/${name}`, 'x', {})).status, 401)
  assert.equal((await put(url, 'log/..%2f..%2fx.drv', 'x')).status, 404)
  assert.deepEqual(readdirSync(join(target.logDirectory, 'drvs/aa')), [`${name.slice(2)}.zst`])

  const derivation = source.writeDerivation({
    outputs: new Map([['out', { path: source.format({ digest: 'b'.repeat(32), name: 'x' }), hashAlgo: '', hash: '' }]]),
    inputDerivations: new Map(),
    inputSources: [],
    system: 'x86_64-linux',
    builder: '/bin/sh',
    args: [],
    env: new Map([['name', 'x']]),
  })
  const file = `${source.logDirectory}/drvs/${derivation.digest.slice(0, 2)}/${derivation.digest.slice(2)}-x.drv`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'log of Nix')
  const client = nixClient(t, source)
  const netrc = join(temporaryDirectory(t), 'netrc')
  writeFileSync(netrc, `machine 127.0.0.1 login nix password ${token}\n`)
  const copied = await client.nix(
    '--option',
    'netrc-file',
    netrc,
    'store',
    'copy-log',
    '--to',
    url,
    source.format(derivation),
  )
  assert.equal(copied.status, 0, copied.stderr)
  assert.equal(await (await fetch(`${url}/log/${derivation.digest}-x.drv`)).text(), 'log of Nix')
})

test('a file whose narinfo never comes is forgotten', async (t) => {
  const { url, target, source, text } = await open(t, { uploadPatience: 300 })
  const { narinfo, file } = uploadOf(source, text)
  assert.equal((await put(url, narinfo.url, file)).status, 200)
  await sleep(1000)
  assert.equal((await fetch(`${url}/${narinfo.url}`, { method: 'HEAD' })).status, 404)
  assertClean(target, [])
})
