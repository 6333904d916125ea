/** Caches that lie: coded errors, bounded memory and disk, and nothing in the store. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { formatHash, hashBytes } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'
import { emptyStore, expectSound, pull, push, scene } from './scene.ts'
import { serveDirectory } from './web-server.ts'

const trustAll = { keys: [], trustAll: true }

async function lying(t: TestContext, edit: (narinfo: string) => string) {
  const { store, text, lib } = scene(t)
  const directory = join(temporaryDirectory(t), 'cache')
  await push(store, directory, [text, lib], { compression: 'none' })
  for (const path of [text, lib]) {
    const file = join(directory, `${path.digest}.narinfo`)
    writeFileSync(file, edit(readFileSync(file, 'latin1')), 'latin1')
  }
  return { store, text, lib, directory, target: emptyStore(t) }
}

function expectEmpty(store: ReturnType<typeof emptyStore>): void {
  expectSound(store, [])
  assert.deepEqual(
    readdirSync(store.physicalDirectory).filter((name) => name !== '.links'),
    [],
  )
}

const refused: readonly (readonly [string, string, (narinfo: string) => string])[] = [
  ['a URL that leads up', 'NARINFO_URL', (text) => text.replace(/URL: nar/, 'URL: nar/../../nar')],
  ['a URL that leads up, encoded', 'NARINFO_URL', (text) => text.replace(/URL: nar/, 'URL: %2e%2e/nar')],
  ['an absolute path', 'NARINFO_URL', (text) => text.replace(/URL: .*/, 'URL: /etc/passwd')],
  ['the URL of another server', 'NARINFO_URL', (text) => text.replace(/URL: .*/, 'URL: http://127.0.0.1:1/nar/x.nar')],
  ['a file URL', 'NARINFO_URL', (text) => text.replace(/URL: .*/, 'URL: file:///etc/passwd')],
  ['a URL with a query', 'NARINFO_URL', (text) => text.replace(/URL: .*/, 'URL: nar/x.nar?y')],
  ['another path', 'NARINFO_INVALID', (text) => text.replace(/(StorePath: .*)/, '$1-other')],
  ['another store directory', 'STORE_PATH_INVALID', (text) => text.replace('StorePath: /cvmfs', 'StorePath: /other')],
  ['no hash', 'NARINFO_INVALID', (text) => text.replace(/NarHash: .*\n/, '')],
  ['a negative size', 'NARINFO_INVALID', (text) => text.replace(/NarSize: .*/, 'NarSize: -1')],
  ['no end', 'NARINFO_INVALID', (text) => text.slice(0, 90)],
  ['nothing at all', 'NARINFO_INVALID', () => ''],
  ['bytes', 'NARINFO_INVALID', () => '\0\xff\n'],
]

for (const [what, code, edit] of refused) {
  for (const kind of ['file', 'http'] as const) {
    test(`a narinfo with ${what} is ${code} (${kind})`, async (t) => {
      const { text, directory, target } = await lying(t, edit)
      const url = kind === 'file' ? directory : (await serveDirectory(t, directory)).url
      const refusals: string[] = []
      await assert.rejects(pull(target, [url], [text], { trust: trustAll, refusals }), { code: 'CACHE_PATH_MISSING' })
      assert.deepEqual(refusals, [code])
      expectEmpty(target)
    })
  }
}

const size = (text: string, field: string): number => Number(new RegExp(`${field}: (\\d+)`).exec(text)![1])
const failing: readonly (readonly [string, string, (narinfo: string) => string])[] = [
  [
    'a smaller NarSize',
    'SIZE_MISMATCH',
    (text) => text.replace(/NarSize: .*/, `NarSize: ${size(text, 'NarSize') - 8}`),
  ],
  ['a larger NarSize', 'SIZE_MISMATCH', (text) => text.replace(/NarSize: .*/, `NarSize: ${size(text, 'NarSize') + 8}`)],
  [
    'a smaller FileSize',
    'SIZE_MISMATCH',
    (text) => text.replace(/FileSize: .*/, `FileSize: ${size(text, 'FileSize') - 8}`),
  ],
  [
    'a larger FileSize',
    'SIZE_MISMATCH',
    (text) => text.replace(/FileSize: .*/, `FileSize: ${size(text, 'FileSize') + 8}`),
  ],
  ['another hash', 'HASH_MISMATCH', (text) => text.replace(/NarHash: .*/, `NarHash: sha256:${'0'.repeat(52)}`)],
  ['a compression that it has not', 'ARCHIVE_CORRUPT', (text) => text.replace(/Compression: .*/, 'Compression: xz')],
  ['an unknown compression', 'COMPRESSION_UNSUPPORTED', (text) => text.replace(/Compression: .*/, 'Compression: lzip')],
]

for (const [what, code, edit] of failing) {
  test(`a narinfo with ${what} ends with ${code}`, async (t) => {
    const { lib, directory, target } = await lying(t, edit)
    await assert.rejects(pull(target, [directory], [lib], { trust: trustAll }), { code })
    expectEmpty(target)
  })
}

test('signatures: none, of others, of other contents', async (t) => {
  for (const edit of [
    (text: string) => text.replace(/Sig: .*\n/, ''),
    (text: string) => text.replace('Sig: cache.example.org-1', 'Sig: another-1'),
    (text: string) => text.replace(/NarSize: .*/, 'NarSize: 120'),
    (text: string) => text.replace(/References: .*/, 'References: '),
    (text: string) => text.replace(/Sig: (.*):.*/, 'Sig: $1:AAAA'),
  ]) {
    const { lib, directory, target } = await lying(t, edit)
    const refusals: string[] = []
    await assert.rejects(pull(target, [directory], [lib], { refusals }), { code: 'CACHE_PATH_MISSING' })
    assert.deepEqual(refusals, ['SIGNATURE_MISSING'])
    expectEmpty(target)
  }
})

test('what is content-addressed needs no signature, but must be what its address says', async (t) => {
  const unsigned = (text: string) => text.replace(/Sig: .*\n/, '')
  const honest = await lying(t, unsigned)
  await pull(honest.target, [honest.directory], [honest.text])
  expectSound(honest.target, [honest.text])

  // The address of other contents: not that of this path.
  const foreign = await lying(t, (text) => unsigned(text).replace(/CA: .*/, `CA: text:sha256:${'0'.repeat(52)}`))
  await assert.rejects(pull(foreign.target, [foreign.directory], [foreign.text]), { code: 'CACHE_PATH_MISSING' })

  // The right address above other contents.
  const { text, directory, target, store } = await lying(t, (narinfo) => narinfo)
  const nar = narOfFile('forged\n')
  const hash = formatHash(hashBytes('sha256', nar), 'nix32')
  writeFileSync(join(directory, 'nar/forged.nar'), nar)
  const file = join(directory, `${text.digest}.narinfo`)
  const forged = unsigned(readFileSync(file, 'latin1'))
    .replace(/URL: .*/, 'URL: nar/forged.nar')
    .replace(/NarHash: .*/, `NarHash: ${hash}`)
    .replace(/FileHash: .*/, `FileHash: ${hash}`)
    .replace(/NarSize: .*/, `NarSize: ${nar.length}`)
    .replace(/FileSize: .*/, `FileSize: ${nar.length}`)
  writeFileSync(file, forged)
  await assert.rejects(pull(target, [directory], [text]), { code: 'HASH_MISMATCH' })
  expectEmpty(target)
  assert.ok(store.isValid(text))
})

test('a bomb is stopped where its announced size ends', async (t) => {
  const { text, target, directory } = await lying(t, (narinfo) => narinfo)
  const bomb = Buffer.concat(Array.from({ length: 256 }, () => zstdCompressSync(Buffer.alloc(16 << 20))))
  writeFileSync(join(directory, 'nar/bomb.nar.zst'), bomb)
  const file = join(directory, `${text.digest}.narinfo`)
  const narinfo = readFileSync(file, 'latin1')
    .replace(/URL: .*/, 'URL: nar/bomb.nar.zst')
    .replace(/Compression: .*/, 'Compression: zstd')
    .replace(/FileSize: .*/, `FileSize: ${bomb.length}`)
  writeFileSync(file, narinfo)
  const before = process.resourceUsage().maxRSS
  await assert.rejects(pull(target, [directory], [text], { trust: trustAll }), { code: /SIZE_MISMATCH|NAR_INVALID/ })
  // 4 GiB would come out.
  assert.ok(process.resourceUsage().maxRSS - before < 300_000, 'kilobytes')
  expectEmpty(target)
})

test('archives that are no archives, or want out of their directory', async (t) => {
  const { store, text, target, directory } = await lying(t, (narinfo) => narinfo)
  const strings = (...parts: string[]): Buffer => Buffer.concat(parts.map(narString))
  const climbing = strings(
    'nix-archive-1',
    '(',
    'type',
    'directory',
    'entry',
    '(',
    'name',
    '../x',
    'node',
    '(',
    'type',
    'symlink',
    'target',
    '/',
    ')',
    ')',
    ')',
  )
  for (const nar of [Buffer.from('garbage'), narOfFile('x').subarray(0, 60), climbing, Buffer.alloc(200, 0xff)]) {
    writeFileSync(join(directory, 'nar/x.nar'), nar)
    const narinfo = `StorePath: ${store.format(text)}\nURL: nar/x.nar\nCompression: none\nNarHash: ${formatHash(hashBytes('sha256', nar), 'nix32')}\nNarSize: ${nar.length}\nReferences: \n`
    writeFileSync(join(directory, `${text.digest}.narinfo`), narinfo)
    await assert.rejects(pull(target, [directory], [text], { trust: trustAll }), { code: 'NAR_INVALID' })
    expectEmpty(target)
  }
})

test('a cycle of references ends', async (t) => {
  const { store, text, lib, target } = await lying(t, (narinfo) => narinfo)
  const directory = join(temporaryDirectory(t), 'cache')
  mkdirSync(directory)
  writeFileSync(join(directory, 'nix-cache-info'), `StoreDir: ${store.storeDirectory}\n`)
  const nar = narOfFile('x')
  writeFileSync(join(directory, 'x.nar'), nar)
  const hash = formatHash(hashBytes('sha256', nar), 'nix32')
  const entries = [
    [text, lib],
    [lib, text],
  ] as const
  for (const [path, reference] of entries) {
    const narinfo = `StorePath: ${store.format(path)}\nURL: x.nar\nCompression: none\nNarHash: ${hash}\nNarSize: ${nar.length}\nReferences: ${reference.digest}-${reference.name}\n`
    writeFileSync(join(directory, `${path.digest}.narinfo`), narinfo)
  }
  await assert.rejects(pull(target, [directory], [text], { trust: trustAll }), { code: 'REFERENCE_CYCLE' })
  expectEmpty(target)
})

test('an interruption leaves nothing behind, and the next run goes on', async (t) => {
  const { store, app, lib } = scene(t, 20_000_000)
  const directory = join(temporaryDirectory(t), 'cache')
  const interrupted = { code: 'STOPPED' }
  const stop = (): AbortController => new AbortController()
  const reason = Object.assign(new Error('stop'), interrupted)

  const pushing = stop()
  const onPush = (event: { readonly kind: string }): void => {
    if (event.kind === 'progress') pushing.abort(reason)
  }
  await assert.rejects(push(store, directory, [app], { onEvent: onPush, signal: pushing.signal }), interrupted)
  assert.deepEqual(
    readdirSync(join(directory, 'nar')).filter((name) => name.startsWith('.')),
    [],
  )
  await push(store, directory, [app])

  const target = emptyStore(t)
  const pulling = stop()
  const onPull = (event: { readonly kind: string }): void => {
    if (event.kind === 'progress') pulling.abort(reason)
  }
  await assert.rejects(pull(target, [directory], [app], { onEvent: onPull, signal: pulling.signal }), interrupted)
  expectSound(target, [])
  await pull(target, [directory], [app])
  expectSound(target, [app, lib])
})

function narOfFile(contents: string): Buffer {
  return Buffer.concat(['nix-archive-1', '(', 'type', 'regular', 'contents', contents, ')'].map(narString))
}

function narString(text: string): Buffer {
  const bytes = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8)
  bytes.writeUInt32LE(text.length)
  bytes.write(text, 8, 'latin1')
  return bytes
}
