/** What the real client makes of our cache, and of the same paths in a cache that it wrote itself. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import {
  formatPublicKey,
  formatSecretKey,
  generateKeyPair,
  parseNarinfo,
  pathFingerprint,
  verify,
} from '@baryon/format'
import type { Store } from '@baryon/store'
import { readTree, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'
import { nixClient, serve, skip } from './serving.ts'

const key = generateKeyPair('cache.example.org-1')
const buildId = 'abcdef0123456789abcdef0123456789abcdef01'

/** Paths that refer to each other and to themselves, with all that a tree can have, and a derivation. */
function populate(store: Store, directory: string) {
  const text = store.addText('text', 'a text\n')
  writeTree(join(directory, 'tree'), {
    entries: {
      'odd "name" \xff': 'x',
      empty: '',
      'empty-directory': { entries: {} },
      run: { file: '#!/bin/sh\n', mode: 0o755 },
      link: { symlink: store.format(text) },
      large: Buffer.alloc(3_000_001, 'large '),
      lib: {
        entries: {
          debug: {
            entries: {
              '.build-id': { entries: { ab: { entries: { [`${buildId.slice(2)}.debug`]: '\x7fELF debug' } } } },
            },
          },
        },
      },
    },
  })
  const tree = store.addPath('tree', join(directory, 'tree'), { references: [text] })
  const derivation = store.writeDerivation({
    outputs: new Map([['out', { path: store.format({ digest: 'a'.repeat(32), name: 'x' }), hashAlgo: '', hash: '' }]]),
    inputDerivations: new Map(),
    inputSources: [store.format(text)],
    system: 'x86_64-linux',
    builder: '/bin/sh',
    args: [],
    env: new Map([['name', 'x']]),
  })
  return { text, tree, derivation }
}

test('nix copies, lists, verifies and substitutes from the cache, in every coding', { skip }, async (t) => {
  for (const coding of ['none', 'zstd', 'gzip'] as const) {
    const { store } = temporaryStore(t)
    const { text, tree } = populate(store, temporaryDirectory(t))
    const { url } = await serve(t, store, { keys: [key], coding })
    const paths = [text, tree].map((path) => store.format(path))

    const client = nixClient(t, temporaryStore(t).store)
    const info = await client.nix('path-info', '--store', url, '-r', '--json', '--sigs', paths[1]!)
    assert.equal(info.status, 0, info.stderr)
    const records = JSON.parse(info.stdout) as { path: string; signatures: string[]; narSize: number }[]
    assert.deepEqual(records.map((record) => record.path).sort(), [...paths].sort())
    for (const record of records) {
      assert.equal(record.narSize, store.pathInfo(store.parse(record.path)).narSize)
      assert.match(record.signatures[0]!, /^cache\.example\.org-1:/)
    }

    const trusted = ['--option', 'trusted-public-keys', formatPublicKey(key.publicKey)]
    const copied = await client.nix('copy', ...trusted, '--from', url, paths[1]!)
    assert.equal(copied.status, 0, copied.stderr)
    for (const path of [text, tree])
      assert.deepEqual(readTree(client.store.physicalPath(path)), readTree(store.physicalPath(path)))

    const verified = await client.nix('store', 'verify', ...trusted, '--store', url, '-r', paths[1]!)
    assert.equal(verified.status, 0, verified.stderr)

    const other = nixClient(t, temporaryStore(t).store)
    const realised = await other.run(
      'nix-store',
      ...['--option', 'substitute', 'true', '--option', 'substituters', url, ...trusted, '-r', paths[1]!],
    )
    assert.equal(realised.status, 0, realised.stderr)
    assert.deepEqual(readTree(other.store.physicalPath(tree)), readTree(store.physicalPath(tree)))
  }
})

test('narinfo, listing and debug info are those that nix copy writes', { skip }, async (t) => {
  const { store, storeDirectory } = temporaryStore(t)
  const { text, tree } = populate(store, temporaryDirectory(t))
  const { url } = await serve(t, store, { keys: [key] })
  const nix = nixClient(t, store)
  const files = temporaryDirectory(t)
  const keyFile = join(temporaryDirectory(t), 'key')
  writeFileSync(keyFile, formatSecretKey(key))
  const options = `compression=none&write-nar-listing=true&index-debug-info=true&secret-key=${keyFile}`
  const copied = await nix.nix('copy', '--to', `file://${files}?${options}`, store.format(tree))
  assert.equal(copied.status, 0, copied.stderr)

  for (const path of [text, tree]) {
    const theirs = readFileSync(join(files, `${path.digest}.narinfo`), 'latin1')
    const ours = await (await fetch(`${url}/${path.digest}.narinfo`)).text()
    const { url: theirUrl, ...theirFields } = parseNarinfo(storeDirectory, theirs)
    const { url: ourUrl, ...ourFields } = parseNarinfo(storeDirectory, ours)
    assert.deepEqual(ourFields, theirFields)
    assert.ok(verify([key.publicKey], pathFingerprint(storeDirectory, ourFields), ourFields.signatures[0]!))
    // Apart from the name of the file even the bytes are the same.
    assert.equal(ours.replace(ourUrl, theirUrl), theirs)
    const nar = Buffer.from(await (await fetch(`${url}/${ourUrl}`)).arrayBuffer())
    assert.ok(nar.equals(readFileSync(join(files, theirUrl))))
  }

  const listing = Buffer.from(await (await fetch(`${url}/${tree.digest}.ls`)).arrayBuffer())
  assert.equal(listing.toString('latin1'), readFileSync(join(files, `${tree.digest}.ls`), 'latin1'))

  const [name] = readdirSync(join(files, 'debuginfo'))
  const theirs = JSON.parse(readFileSync(join(files, 'debuginfo', name!), 'utf8')) as { member: string }
  const ours = (await (await fetch(`${url}/debuginfo/${name}`)).json()) as { archive: string; member: string }
  assert.equal(ours.member, theirs.member)
  const narinfo = parseNarinfo(storeDirectory, await (await fetch(`${url}/${tree.digest}.narinfo`)).text())
  assert.equal(ours.archive, `../${narinfo.url}`)
  assert.equal((await fetch(`${url}/debuginfo/${buildId}`)).status, 200)
  assert.equal((await fetch(`${url}/debuginfo/${'0'.repeat(40)}`)).status, 404)
})

test('nix log finds logs in every form', { skip }, async (t) => {
  const { store } = temporaryStore(t)
  const { derivation } = populate(store, temporaryDirectory(t))
  const { url } = await serve(t, store)
  const client = nixClient(t, temporaryStore(t).store)
  const log = 'line one\nline two\n'.repeat(20_000)
  const stem = `${store.logDirectory}/drvs/${derivation.digest.slice(0, 2)}/${derivation.digest.slice(2)}-${derivation.name}`
  mkdirSync(dirname(stem), { recursive: true })
  const show = () => client.nix('log', '--option', 'substituters', '', '--store', url, store.format(derivation))

  assert.notEqual((await show()).status, 0)
  writeFileSync(stem, log)
  assert.equal((await show()).stdout, log)
  const bzip2 = await client.run('bzip2', stem)
  assert.equal(bzip2.status, 0, bzip2.stderr)
  assert.equal((await show()).stdout, log)
  writeFileSync(`${stem}.zst`, zstdCompressSync(`newer ${log}`))
  assert.equal((await show()).stdout, `newer ${log}`)

  const raw = await fetch(`${url}/log/${derivation.digest}-${derivation.name}`, {
    headers: { 'Accept-Encoding': 'identity' },
  })
  assert.equal(raw.headers.get('content-encoding'), null)
  assert.equal(await raw.text(), `newer ${log}`)
})
