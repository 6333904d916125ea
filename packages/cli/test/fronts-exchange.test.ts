/** Streams and listings by which stores are copied: what either program writes, the other reads, on one store. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { type FrontPeers, frontPeersWithRecipe } from './front-peers.ts'

const { skip } = peer('nix-store')

/** Builds with one program and with the other, and gives all that is then valid. */
async function build({ nix, ours }: FrontPeers): Promise<{ readonly all: readonly string[]; readonly top: string }> {
  const two = await nix('nix-build', '-A', 'two', '--no-out-link')
  const top = await ours('nix-build', '-A', 'top', '--no-out-link')
  assert.deepEqual([two.status, top.status], [0, 0], two.stderr + top.stderr)
  const dump = await nix('nix-store', '--dump-db')
  const all = dump.stdout
    .split('\n')
    .filter((line, index, lines) => /^[0-9a-f]{64}$/.test(lines[index + 1] ?? '') && line)
  return { all, top: top.stdout.trim() }
}

test('what one exports the other imports, byte for byte, with references and derivers', { skip }, async (t) => {
  const peers = frontPeersWithRecipe(t)
  const { nix, ours, oursWith, nixWith, same, sameWith } = peers
  const { all, top } = await build(peers)
  const before = (await same('nix-store', '--dump-db')).stdout
  const { stdout: stream } = await same('nix-store', '--export', ...all)
  await same('nix-store', '--export', top)
  assert.equal((await same('nix-store', '--export')).stdout, '\0'.repeat(8))
  for (const [remove, add] of [
    [ours, nixWith],
    [nix, oursWith],
  ] as const) {
    assert.equal((await remove('nix-store', '--gc')).status, 0)
    assert.equal((await same('nix-store', '--dump-db')).stdout, '')
    const imported = await add(stream, 'nix-store', '--import')
    assert.equal(imported.status, 0, imported.stderr)
    assert.deepEqual(imported.stdout.trim().split('\n').sort(), [...all].sort())
    assert.equal((await same('nix-store', '--dump-db')).stdout, before)
    const verified = await nix('nix-store', '--verify', '--check-contents')
    assert.deepEqual([verified.status, /error|warning/.test(verified.stderr)], [0, false], verified.stderr)
  }
  // Both at once, into the same store: the first that has a path complete registers it.
  await ours('nix-store', '--gc')
  await sameWith(stream, 'nix-store', '--import')
  assert.equal((await same('nix-store', '--dump-db')).stdout, before)
  await same('nix-store', '--verify', '--check-contents')
})

test('streams that are no export, or not complete, are refused by both', { skip }, async (t) => {
  const peers = frontPeersWithRecipe(t)
  const { ours, sameWith } = peers
  const { top } = await build(peers)
  const { stdout: stream } = await ours('nix-store', '--export', top)
  await ours('nix-store', '--gc')
  // The last one is complete, but its references are not valid.
  for (const word of ['', 'no export stream at all', stream.replace('NIXE', 'NIXF'), stream.slice(0, 300), stream]) {
    const { status, stderr } = await sameWith(word, 'nix-store', '--import')
    assert.deepEqual([status, stderr.startsWith('error: '), /\n {4}at /.test(stderr)], [1, true, false], stderr)
  }
})

test('a database that one lists the other loads', { skip }, async (t) => {
  const peers = frontPeersWithRecipe(t)
  const { nix, ours, oursWith, nixWith, same } = peers
  const { all, top } = await build(peers)
  const { stdout: listing } = await same('nix-store', '--dump-db')
  await same('nix-store', '--dump-db', top)
  for (const load of [oursWith, nixWith]) {
    rmSync(`${peers.directory}/nix/var/nix/db`, { recursive: true })
    assert.equal((await load(listing, 'nix-store', '--load-db')).status, 0)
    assert.equal((await same('nix-store', '--dump-db')).stdout, listing)
    await same('nix-store', '--verify-path', ...all)
    await same('nix-store', '-q', '--referrers-closure', ...all)
    await same('nix-store', '-qR', '--include-outputs', ...all)
  }
  await same('nix-store', '--verify', '--check-contents')
  const file = `${peers.directory}/nix/store/${all[0]!.split('/').at(-1)}`
  chmodSync(file, 0o644)
  writeFileSync(file, 'changed')
  chmodSync(file, 0o444)
  assert.equal((await same('nix-store', '--verify-path', ...all)).status, 1)
  assert.equal((await ours('nix-store', '--export', all[0]!)).status, 1)
  assert.equal((await nix('nix-store', '--export', all[0]!)).status, 1)
})

test('both draw the same graphs', { skip }, async (t) => {
  const peers = frontPeersWithRecipe(t)
  const { same } = peers
  const { all } = await build(peers)
  for (const query of ['--graph', '--graphml', '--tree', '--references', '--hash', '--size', '--binding name']) {
    await same(
      'nix-store',
      '-q',
      ...query.split(' '),
      ...all.filter((path) => query !== '--binding name' || path.endsWith('.drv')),
    )
  }
})

test('both see what processes use, and refuse to delete it', { skip }, async (t) => {
  const peers = frontPeersWithRecipe(t)
  const { nix, ours, same } = peers
  const { all, top } = await build(peers)
  const child = spawn('/bin/sh', ['-c', 'exec 3<"$1"; echo ready; read x', 'sh', top], {
    env: { USES: all[0], PATH: '/bin' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  await once(child.stdout, 'data')
  const { stdout } = await same('nix-store', '--gc', '--print-roots')
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.startsWith(`/proc/${child.pid}/`)),
    [`/proc/${child.pid}/environ -> ${all[0]}`, `/proc/${child.pid}/fd/3 -> ${top}`],
  )
  for (const keep of ['keep-outputs true', 'keep-derivations false']) {
    const option = ['--option', ...keep.split(' ')]
    await same('nix-store', '--gc', '--print-live', ...option)
    await same('nix-store', '--gc', '--print-dead', ...option)
    // Nix prints them in the order of a hash table.
    const roots = await Promise.all([nix, ours].map((run) => run('nix-store', '-q', '--roots', top, ...option)))
    const [theirs, found] = roots.map(({ stdout }) => stdout.split('\n').sort())
    assert.deepEqual(found, theirs)
  }
  assert.equal((await same('nix-store', '--delete', top)).status, 1)
  await ours('nix-store', '--gc')
  await same('nix-store', '-qR', top)
  child.stdin.end()
  await once(child, 'close')
  assert.equal((await same('nix-store', '--gc', '--print-roots')).stdout, '')
  // Referrers are in the way as well, until they go along.
  assert.equal((await same('nix-store', '--delete', all.find((path) => path.endsWith('-base'))!)).status, 1)
  await ours('nix-store', '--gc')
  assert.equal((await same('nix-store', '--dump-db')).stdout, '')
})
