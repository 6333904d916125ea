/** CVMFS repositories from the command line: create, publish, look, check. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '@baryon/testing'

const bin = resolve(import.meta.dirname, '../../../bin')
const NAME = 'hep.example.org'

const recipe = `rec {
  base = derivation { name = "base"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo base > $out" ]; };
  top = derivation { name = "top"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo \${base} > $out" ]; };
}`

function commands(t: TestContext) {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'home'))
  writeFileSync(join(directory, 'default.nix'), recipe)
  const env = {
    PATH: process.env.PATH!,
    HOME: join(directory, 'home'),
    BARYON_ROOT: join(directory, 'root'),
    BARYON_STORE_DIR: `/cvmfs/${NAME}/nix/store`,
  }
  const run = (...words: string[]) =>
    spawnSync(join(bin, 'baryon'), words, { cwd: directory, encoding: 'utf8', input: '', env })
  const good = (...words: string[]): string => {
    const result = run(...words)
    assert.equal(result.status, 0, `baryon ${words.join(' ')}\n${result.stderr}`)
    return result.stdout.trim()
  }
  return { directory, env, run, good }
}

test('a tree with odd names goes in, is seen, changed, tagged and removed', (t) => {
  const { directory, run, good } = commands(t)
  const created = JSON.parse(good('repository', 'create', NAME, '--dir', 'my repo', '--json'))
  assert.equal(created.name, NAME)
  assert.equal(statSync(join(directory, 'my repo.keys', `${NAME}.masterkey`)).mode & 0o777, 0o600)
  // No key below what is served.
  assert.deepEqual(readdirSync(join(directory, 'my repo')).sort(), [
    '.cvmfs_master_replica',
    '.cvmfspublished',
    '.cvmfsreflog',
    '.cvmfswhitelist',
    'data',
  ])
  mkdirSync(join(directory, 'tree/ä b'), { recursive: true })
  writeFileSync(join(directory, 'tree/ä b/file\n'), 'first')
  const first = JSON.parse(
    good('repository', 'publish', 'my repo', '--tree', 'tree', '--at', '/releases/v1', '--tag', 'v1', '--json'),
  )
  assert.equal(first.revision, 2)
  writeFileSync(join(directory, 'tree/ä b/file\n'), 'second')
  good('repository', 'publish', 'my repo', '--tree', 'tree', '--at', '/releases/v1')
  assert.equal(good('repository', 'cat', 'my repo', '/releases/v1/ä b/file\n'), 'second')
  assert.equal(good('repository', 'cat', 'my repo', '/releases/v1/ä b/file\n', '--revision', 'v1'), 'first')
  assert.deepEqual(
    JSON.parse(good('repository', 'list', 'my repo', '-R', '/releases', '--json')).entries.map(
      ({ path }: { path: string }) => path,
    ),
    ['/releases/v1', '/releases/v1/ä b', '/releases/v1/ä b/file\n'],
  )
  assert.match(good('repository', 'check', 'my repo', '--tags'), /: no problems$/)
  good('repository', 'publish', 'my repo', '--remove', '/releases/v1')
  assert.equal(good('repository', 'list', 'my repo', '/releases'), '')
  const { tags } = JSON.parse(good('repository', 'log', 'my repo', '--json'))
  assert.deepEqual(
    tags.map(({ name, revision }: { name: string; revision: number }) => `${name} ${revision}`),
    ['trunk 4', 'trunk-previous 3', 'v1 2'],
  )
  // Back to a former revision, by its tag and by its number.
  assert.match(good('repository', 'rollback', 'my repo', 'v1'), /revision 5 has the contents of v1/)
  assert.equal(good('repository', 'cat', 'my repo', '/releases/v1/ä b/file\n'), 'first')
  assert.match(good('repository', 'rollback', 'my repo'), /revision 6 has the contents of trunk-previous/)
  assert.equal(good('repository', 'list', 'my repo', '/releases'), '')
  good('repository', 'tag', 'my repo', 'again', '--revision', '2', '--description', 'the same')
  assert.equal(good('repository', 'cat', 'my repo', '/releases/v1/ä b/file\n', '--revision', 'again'), 'first')
  good('repository', 'tag', 'my repo', 'v1', '--remove')
  good('repository', 'tag', 'my repo', 'now')
  const named = JSON.parse(good('repository', 'log', 'my repo', '--json'))
  assert.deepEqual(
    named.tags.map(({ name, revision }: { name: string; revision: number }) => `${name} ${revision}`).sort(),
    ['again 2', 'now 6', 'trunk 6', 'trunk-previous 5'],
  )
  assert.match(
    good('repository', 'check', 'my repo', '--tags'),
    /^4 revisions, .*: no problems$|^3 revisions, .*: no problems$/,
  )
  const foreseen = JSON.parse(good('repository', 'gc', 'my repo', '--dry-run', '--json'))
  const collected = JSON.parse(good('repository', 'gc', 'my repo', '--json'))
  assert.deepEqual(collected, foreseen)
  assert.ok(collected.removedObjects > 0 && collected.removedRevisions > 0)
  assert.match(good('repository', 'check', 'my repo', '--tags'), /: no problems$/)
  assert.equal(good('repository', 'cat', 'my repo', '/releases/v1/ä b/file\n', '--revision', 'again'), 'first')
  assert.equal(JSON.parse(good('repository', 'gc', 'my repo', '--json')).removedObjects, 0)
  for (const [code, ...words] of [
    ['CVMFS_TAG', 'tag', 'my repo', 'again'],
    ['CVMFS_TAG', 'tag', 'my repo', 'trunk', '--remove'],
    ['CVMFS_TAG', 'tag', 'my repo', 'nothing', '--remove'],
    ['CVMFS_TAG', 'tag', 'my repo', 'a/b'],
    ['CVMFS_REVISION', 'rollback', 'my repo', 'v1'],
    ['CVMFS_NO_ENTRY', 'publish', 'my repo', '--remove', '/nothing'],
    ['CVMFS_TAG', 'publish', 'my repo', '--tree', 'tree', '--at', '/x', '--tag', 'again'],
    ['CVMFS_NO_REPOSITORY', 'publish', 'tree', '--tree', 'tree', '--at', '/x'],
    ['CVMFS_EXISTS', 'create', NAME, '--dir', 'my repo'],
    ['CVMFS_NAME', 'create', '../x', '--dir', 'other'],
    ['CVMFS_REVISION', 'list', 'my repo', '--revision', 'v9'],
    ['NO_SUCH_FILE', 'cat', 'my repo', '/nothing'],
  ]) {
    const { status, stderr } = run('repository', ...words)
    assert.equal(status, 1, stderr)
    assert.ok(stderr.startsWith(`error[${code}]`), stderr)
  }
  assert.equal(run('repository', 'publish', 'my repo').status, 1)
  assert.match(good('repository', 'whitelist', 'my repo', '--valid', '90'), /valid until 20/)
})

test('store paths are published once, with their closure, and read over HTTP', async (t) => {
  const { directory, env, good } = commands(t)
  good('build', '-f', '.', '--no-link', 'top')
  good('repository', 'create', NAME, '--dir', 'repo')
  const first = JSON.parse(good('repository', 'publish', 'repo', '-f', '.', 'top', '--json'))
  assert.deepEqual([first.revision, first.isChanged], [2, true])
  const again = JSON.parse(good('repository', 'publish', 'repo', '-f', '.', 'top', '--json'))
  assert.deepEqual([again.revision, again.isChanged, again.catalogs], [2, false, 0])
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(directory, 'repo', request.url!)))
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const away = async (...words: string[]): Promise<{ readonly status: number; readonly output: string }> => {
    const child = spawn(join(bin, 'baryon'), ['repository', ...words], { cwd: directory, env })
    let output = ''
    child.stdout.on('data', (text) => (output += text))
    child.stderr.on('data', (text) => (output += text))
    const status = await new Promise<number>((done) => child.on('close', (code) => done(code ?? -1)))
    return { status, output }
  }
  const key = `repo.keys/${NAME}.pub`
  const listed = await away('list', url, '/nix/store', '--key', key)
  assert.equal(listed.status, 0, listed.output)
  const names = listed.output
    .trim()
    .split('\n')
    .filter((name) => !name.startsWith('.'))
  assert.deepEqual(names.map((name) => name.slice(33)).sort(), ['base', 'top'])
  const records = await away('list', url, '/nix/store/.narinfo', '--key', key)
  assert.deepEqual(records.output.trim().split('\n').sort(), names.map((name) => `${name}.narinfo`).sort())
  const top = names.find((name) => name.endsWith('-top'))!
  const base = names.find((name) => name.endsWith('-base'))!
  const text = await away('cat', url, `/nix/store/${top}`, '--key', key)
  assert.equal(text.output, `/cvmfs/${NAME}/nix/store/${base}\n`)
  const checked = await away('check', url, '--key', key)
  assert.equal(checked.status, 0, checked.output)
  assert.match((await away('log', url)).output, /^error\[CVMFS_PUBLIC_KEY\]/)
  const replica = await away('replicate', url, 'replica', '--key', key)
  assert.match(replica.output, /^hep\.example\.org: revision 2, 3 catalogs, /)
  assert.match((await away('check', 'replica', '--key', key)).output, /: no problems\n$/)
  assert.match((await away('replicate', url, 'replica', '--key', key)).output, /is there already/)
  // What is damaged is named, and is not taken.
  const [prefix = ''] = readdirSync(join(directory, 'repo/data')).filter(
    (name) =>
      name !== 'txn' && readdirSync(join(directory, 'repo/data', name)).some((file) => /^[0-9a-f]{38}$/.test(file)),
  )
  rmSync(join(directory, 'repo/data', prefix), { recursive: true })
  const damaged = await away('check', url, '--key', key)
  assert.equal(damaged.status, 1)
  assert.match(damaged.output, /CVMFS_MISSING/)
})
