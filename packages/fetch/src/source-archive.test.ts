import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { formatHash, hashBytes } from '@baryon/format'

import { serve } from '../test/file-server.ts'
import { errorOf, has, sh, temporaryDirectory, treeLines } from '../test/scene.ts'
import { fetchSource } from './fetch-source.ts'
import { openSourceArchive } from './source-archive.ts'
import { hashTree } from './tree-archive.ts'

const bytes = Buffer.from('the source')
const sha256 = hashBytes('sha256', bytes)
const fast = { backoff: 1, attempts: 1 }

test('what was put is found by each hash that is known', (context) => {
  const { archive, file } = filled(context)
  assert.deepEqual(archive.get(sha256), undefined)
  const put = archive.put(file, {
    name: 'x.tar',
    origin: 'https://example.org/x.tar',
    hash: hashBytes('sha512', bytes),
  })
  archive.put(file, { hash: hashBytes('md5', bytes) })
  for (const algorithm of ['sha256', 'sha512', 'md5'] as const) {
    const found = archive.get(hashBytes(algorithm, bytes), { verify: true })
    assert.equal(found?.path, put.path)
    assert.deepEqual(readFileSync(found!.path), bytes)
    assert.deepEqual(
      [found?.name, found?.size, found?.kind, found?.origins],
      ['x.tar', bytes.length, 'file', ['https://example.org/x.tar']],
    )
  }
  assert.equal(archive.get(hashBytes('sha1', bytes)), undefined)
  assert.deepEqual(
    [...archive.list()].map(({ hash }) => hash),
    [sha256],
  )
  assert.equal(
    put.path,
    join(
      archive.directory,
      'sha256',
      formatHash(sha256, 'base16', false).slice(0, 2),
      formatHash(sha256, 'base16', false),
    ),
  )
  assert.deepEqual(readdirSync(join(archive.directory, 'tmp')), [])
})

test('a wrong hash enters nothing', async (context) => {
  const { archive, file } = filled(context)
  const error = await errorOf(() => archive.put(file, { hash: hashBytes('sha256', 'other') }))
  assert.equal(error.code, 'HASH_MISMATCH')
  assert.deepEqual([...archive.list()], [])
  assert.deepEqual(readdirSync(join(archive.directory, 'tmp')), [])
})

test('damage is noticed: another size at once, other bytes by verification', (context) => {
  const { archive, file } = filled(context)
  const { path } = archive.put(file, { hash: hashBytes('sha1', bytes) })
  appendFileSync(path, 'x')
  assert.equal(archive.get(sha256), undefined)
  assert.equal(existsSync(path), false)
  archive.put(file)
  writeFileSync(path, 'THE SOURCE')
  assert.notEqual(archive.get(sha256), undefined)
  assert.deepEqual(
    archive.verify().map(({ hash }) => hash),
    [sha256],
  )
  assert.equal(archive.get(sha256), undefined)
  assert.deepEqual(archive.verify(), [])
  archive.put(file)
  assert.equal(archive.remove(sha256), true)
  assert.equal(archive.remove(sha256), false)
})

test('broken records and indexes are as good as none', (context) => {
  const { archive, file } = filled(context)
  const sha1 = hashBytes('sha1', bytes)
  archive.put(file, { hash: sha1 })
  for (const line of sh('find record index -type f', archive.directory).split('\n')) {
    for (const text of [
      '',
      '{',
      'null',
      '[1]',
      '{"size":-1,"name":2}',
      '\0'.repeat(100),
      '{"size":10,"name":"x","hashes":["bad"]}',
    ]) {
      writeFileSync(join(archive.directory, line), text)
      archive.get(sha1)
      assert.notEqual(archive.get(sha256), undefined, text)
    }
  }
  archive.put(file, { hash: sha1 })
  assert.notEqual(archive.get(sha1), undefined)
})

test('a tree is kept as its NAR, as nix-store makes it', async (context) => {
  const { archive, directory } = filled(context)
  const tree = makeTree(directory)
  const hash = hashTree(tree, 'sha256')
  const put = archive.putTree(tree, { name: 'tree', hash })
  assert.equal(put.kind, 'tree')
  const destination = join(directory, 'restored')
  await fetchSource(archive, { name: 'tree', hash, destination, offline: true, upstream: { kind: 'none' } })
  assert.deepEqual(treeLines(destination, false), treeLines(tree, false))
  if (!has(context, 'nix-store', 'nix-hash')) return
  sh(`nix-store --dump '${tree}' | cmp - '${put.path}'`, directory)
  assert.equal(sh(`nix-hash --type sha256 '${tree}'`, directory), formatHash(hash, 'base16', false))
})

test('mirrors: a directory and a static web server, by any hash', async (context) => {
  const { archive, file } = filled(context)
  archive.put(file, { name: 'x', hash: hashBytes('sha512', bytes), origin: 'https://example.org/x' })
  const { url } = await serve(context, (request, response) => {
    const place = join(archive.directory, request.url ?? '')
    if (existsSync(place) && statSync(place).isFile()) response.end(readFileSync(place))
    else response.writeHead(404).end()
  })
  for (const mirror of [archive.directory, `file://${archive.directory}`, url, `${url}/`]) {
    const other = openSourceArchive(temporaryDirectory(context), { mirrors: ['http://127.0.0.1:1', mirror] })
    const found = await other.find(hashBytes('sha512', bytes), fast)
    assert.deepEqual(readFileSync(found!.path), bytes)
    assert.deepEqual([found?.name, found?.origins], ['x', ['https://example.org/x']])
    assert.notEqual(other.get(sha256), undefined)
    assert.equal(await other.find(hashBytes('sha256', 'missing'), fast), undefined)
  }
})

test('a mirror that lies is passed over', async (context) => {
  const { archive, file } = filled(context)
  archive.put(file)
  const { url } = await serve(context, (_, response) => response.end('something else'))
  const other = openSourceArchive(temporaryDirectory(context), { mirrors: [url, archive.directory] })
  assert.deepEqual(readFileSync((await other.find(sha256, fast))!.path), bytes)
  const third = openSourceArchive(temporaryDirectory(context), { mirrors: [url] })
  assert.equal(await third.find(sha256, fast), undefined)
  assert.deepEqual([...third.list()], [])
})

test('fetchSource: archive, then mirrors, then upstream; then it is in the archive', async (context) => {
  const { directory } = filled(context)
  const upstream = await serve(context, (_, response) => response.end(bytes))
  const archive = openSourceArchive(join(directory, 'one'))
  const request = { ...fast, name: 'x', hash: sha256, upstream: { kind: 'url', urls: [`${upstream.url}/x`] } } as const
  const missing = await errorOf(() => fetchSource(archive, { ...request, offline: true }))
  assert.equal(missing.code, 'OFFLINE_MISSING')
  assert.ok(missing.message.includes(formatHash(sha256, 'sri')) && missing.message.includes(`${upstream.url}/x`))
  const destination = join(directory, 'out')
  assert.equal((await fetchSource(archive, { ...request, destination })).from, 'upstream')
  assert.deepEqual(readFileSync(destination), bytes)
  assert.equal((await fetchSource(archive, { ...request, offline: true })).from, 'archive')
  const second = openSourceArchive(join(directory, 'two'), { mirrors: [archive.directory] })
  assert.equal((await fetchSource(second, { ...request, offline: true })).from, 'mirror')
  assert.equal(upstream.requests.length, 1)
  // A damaged file is replaced.
  writeFileSync(archive.get(sha256)!.path, 'THE SOURCE')
  assert.equal((await fetchSource(archive, { ...request, destination })).from, 'upstream')
  assert.deepEqual(readFileSync(destination), bytes)
})

test('fetchSource: tarballs, executables and Debian packages', async (context) => {
  const { directory } = filled(context)
  sh('mkdir top; echo 1 > top/a; tar -czf t.tar.gz top; cp -r top tree; tar -czf two.tar.gz top tree', directory)
  const archive = openSourceArchive(join(directory, 'archive'))
  const urls = [`file://${directory}/t.tar.gz`]
  const hash = hashTree(join(directory, 'tree'), 'sha256')
  const destination = join(directory, 'out')
  const tarball = { name: 't', hash, upstream: { kind: 'tarball', urls } } as const
  await fetchSource(archive, { ...tarball, destination })
  assert.equal(readFileSync(join(destination, 'a'), 'utf8'), '1\n')
  await fetchSource(archive, { ...tarball, destination: join(directory, 'again'), offline: true })
  assert.deepEqual(treeLines(join(directory, 'again'), false), treeLines(destination, false))
  const two = { kind: 'tarball', urls: [`file://${directory}/two.tar.gz`] } as const
  assert.equal((await errorOf(() => fetchSource(archive, { name: 't', upstream: two }))).code, 'TARBALL_LAYOUT')
  const wrong = { ...tarball, hash: hashBytes('sha256', 'x') }
  assert.equal((await errorOf(() => fetchSource(archive, wrong))).code, 'HASH_MISMATCH')
  const run = await fetchSource(archive, {
    name: 'run',
    method: 'recursive',
    executable: true,
    upstream: { kind: 'url', urls },
    destination: join(directory, 'run'),
  })
  assert.equal(statSync(join(directory, 'run')).mode & 0o777, 0o755)
  assert.deepEqual(run.hash, hashTree(join(directory, 'run'), 'sha256'))
  const deb = { kind: 'deb', package: 'x', version: '1', architecture: 'all' } as const
  assert.equal((await errorOf(() => fetchSource(archive, { name: 'x', upstream: deb }))).code, 'HASH_MISSING')
})

test('many processes put and get at the same time', async (context) => {
  const { archive, directory } = filled(context)
  const files = Array.from({ length: 5 }, (_, index) => {
    const file = join(directory, `f${index}`)
    writeFileSync(file, randomBytes(200_000))
    return file
  })
  const script = `
    import { openSourceArchive } from ${JSON.stringify(new URL('./source-archive.ts', import.meta.url).href)}
    const archive = openSourceArchive(process.argv[1])
    for (let round = 0; round < 4; round++) for (const file of process.argv.slice(2)) {
      const { hash } = archive.put(file, { name: file, origin: 'https://example.org/' + process.pid })
      if (archive.get(hash, { verify: true }) === undefined) throw new Error('lost ' + file)
    }`
  await Promise.all(
    [1, 2, 3].map(() =>
      promisify(execFile)(process.execPath, [
        '--input-type=module-typescript',
        '-e',
        script,
        archive.directory,
        ...files,
      ]),
    ),
  )
  assert.equal([...archive.list()].length, 5)
  assert.deepEqual(archive.verify(), [])
})

test('a killed process leaves nothing that counts, and its rest is swept', async (context) => {
  const { archive, directory } = filled(context)
  const script = `
    import { randomBytes } from 'node:crypto'
    import { writeFileSync } from 'node:fs'
    import { openSourceArchive } from ${JSON.stringify(new URL('./source-archive.ts', import.meta.url).href)}
    const archive = openSourceArchive(process.argv[1])
    for (;;) {
      writeFileSync(process.argv[2], randomBytes(3_000_000))
      archive.put(process.argv[2])
      console.log('put')
    }`
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [
      '--input-type=module-typescript',
      '-e',
      script,
      archive.directory,
      join(directory, 'input'),
    ])
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await sleep(20 + Math.random() * 60)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  assert.ok([...archive.list()].length >= 3)
  assert.deepEqual(archive.verify(), [])
  const temporary = join(archive.directory, 'tmp')
  writeFileSync(join(temporary, 'rest'), '')
  utimesSync(join(temporary, 'rest'), 0, 0)
  openSourceArchive(archive.directory).put(join(directory, 'file'))
  assert.equal(existsSync(join(temporary, 'rest')), false)
})

test('a copy of the directory is an archive', (context) => {
  const { archive, file, directory } = filled(context)
  archive.put(file, { hash: hashBytes('sha512', bytes) })
  cpSync(archive.directory, join(directory, 'copy'), { recursive: true })
  rmSync(archive.directory, { recursive: true })
  assert.notEqual(
    openSourceArchive(join(directory, 'copy')).get(hashBytes('sha512', bytes), { verify: true }),
    undefined,
  )
})

function filled(context: TestContext) {
  const directory = temporaryDirectory(context)
  const file = join(directory, 'file')
  writeFileSync(file, bytes)
  return { directory, file, archive: openSourceArchive(join(directory, 'archive')) }
}

function makeTree(directory: string): string {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'empty'), { recursive: true })
  sh(
    `printf x > "$(printf 'caf\\351')"; printf '#!' > run; chmod 755 run; ln -s run link; seq 1 100000 > numbers; : > nothing; mkdir a; echo > a.b; echo > a/c`,
    tree,
  )
  return tree
}
