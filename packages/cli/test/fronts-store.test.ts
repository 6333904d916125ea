import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { type FrontPeers, frontPeers } from './front-peers.ts'

const { skip } = peer('nix-store')

const recipe = `let
  make = name: text: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" text ]; quoted = "it's \\"a\\"\\n";
  };
in rec {
  base = make "base" "echo base > $out; echo building base";
  middle = make "middle" "echo \${base} $out > $out";
  top = make "top" "echo \${middle} \${base} \${./source.txt} > $out";
  two = derivation {
    name = "two"; system = builtins.currentSystem; builder = "/bin/sh"; outputs = [ "out" "dev" ];
    args = [ "-c" "echo 1 > $out; echo $out > $dev" ];
  };
  broken = make "broken" "echo this fails; exit 3";
}`

function frontPeersWithRecipe(test: Parameters<typeof frontPeers>[0]): FrontPeers {
  const peers = frontPeers(test)
  writeFileSync(join(peers.directory, 'source.txt'), 'source')
  writeFileSync(join(peers.directory, 'default.nix'), recipe)
  return peers
}

test('nix-build makes what Nix finds valid, and the same links', { skip }, async (context) => {
  const { directory, ours, nix } = frontPeersWithRecipe(context)
  const words = ['-A', 'two', '-A', 'two.dev', '-A', 'base']
  const built = await ours('nix-build', ...words)
  assert.equal(built.status, 0, built.stderr)
  const links = ['result', 'result-dev', 'result-2']
  const targets = links.map((name) => readlinkSync(join(directory, name)))
  assert.equal(built.stdout, `${targets.join('\n')}\n`)
  const expected = await nix('nix-build', ...words, '-o', 'theirs')
  assert.equal(expected.stdout, built.stdout)
  assert.deepEqual(
    ['theirs', 'theirs-dev', 'theirs-2'].map((name) => readlinkSync(join(directory, name))),
    targets,
  )
  assert.equal((await nix('nix-store', '--verify', '--check-contents')).status, 0)
  assert.equal((await ours('nix-build', '-A', 'base', '--check', '--no-out-link')).status, 0)
  const planned = await ours('nix-build', '-A', 'top', '--dry-run')
  assert.equal(planned.stdout, '')
  assert.match(planned.stderr, /these 2 derivations will be built:/)
})

test('a failing build ends with the status of Nix', { skip }, async (context) => {
  const { nix, ours } = frontPeersWithRecipe(context)
  const words = ['-A', 'broken', '--no-out-link']
  const result = await ours('nix-build', ...words)
  assert.equal(result.status, (await nix('nix-build', ...words)).status)
  assert.equal(result.status, 100)
  assert.match(result.stderr, /this fails/)
  const derivation = (await ours('nix-instantiate', '-A', 'broken')).stdout.trim()
  assert.equal((await ours('nix-store', '-r', derivation)).status, 100)
  assert.equal((await ours('nix-store', '-l', derivation)).stdout, 'this fails\n')
})

test('nix-store answers the same questions', { skip }, async (context) => {
  const { directory, nix, ours, same } = frontPeersWithRecipe(context)
  const top = (await ours('nix-build', '-A', 'top', '-o', 'kept')).stdout.trim()
  const derivation = (await nix('nix-instantiate', '-A', 'top')).stdout.trim()
  const queries = [
    '--references',
    '--referrers',
    '--referrers-closure',
    '-R',
    '--deriver',
    '--tree',
    '--graph',
    '--outputs',
  ]
  await each([...queries, '--hash', '--size', '--roots'], (query) => same('nix-store', '-q', query, top))
  await each(queries, (query) => same('nix-store', '-q', query, derivation))
  await each(
    [
      ['-qR', '--include-outputs', derivation],
      ['-q', '--references', '-u', derivation],
      ['-q', '-b', 'quoted', top],
      ['-q', '-b', 'missing', top],
      ['-qR', './kept'],
      ['--print-env', derivation],
      ['--dump-db'],
      ['--check-validity', `${directory}/nix/store/00000000000000000000000000000000-none`],
      ['-r', derivation],
      ['-r', `${derivation}!out`, top],
      ['--gc', '--print-roots'],
      ['-q', '--size', '/nowhere'],
    ],
    (words) => same('nix-store', ...words),
  )
})

test('nix-store adds, dumps and restores the same', { skip }, async (context) => {
  const { directory, same, ours, oursWith } = frontPeers(context)
  mkdirSync(join(directory, 'tree/sub'), { recursive: true })
  writeFileSync(join(directory, 'tree/file'), 'file')
  writeFileSync(join(directory, 'tree/sub/run'), '#!/bin/sh\n')
  chmodSync(join(directory, 'tree/sub/run'), 0o755)
  symlinkSync('../file', join(directory, 'tree/sub/link'))
  await same('nix-store', '--add', 'tree', 'tree/file')
  await same('nix-store', '--add-fixed', 'sha1', 'tree/file')
  await same('nix-store', '--add-fixed', '--recursive', 'sha256', 'tree')
  await same('nix-store', '--print-fixed-path', 'md5', 'd41d8cd98f00b204e9800998ecf8427e', 'name')
  const { stdout } = await same('nix-store', '--dump', 'tree')
  assert.equal((await ours('nix-store', '--dump', 'tree')).stdout, stdout)
  assert.equal((await oursWith(stdout, 'nix-store', '--restore', 'restored')).status, 0)
  assert.equal((await same('nix-store', '--dump', 'restored')).stdout, stdout)
  assert.equal((await oursWith(stdout, 'nix-store', '--restore', 'restored')).status, 1)
})

test('garbage collection keeps to the roots of both', { skip }, async (context) => {
  const { directory, nix, ours } = frontPeersWithRecipe(context)
  const top = (await ours('nix-build', '-A', 'top', '-o', 'kept')).stdout.trim()
  const two = (await nix('nix-build', '-A', 'two', '--no-out-link')).stdout.trim()
  for (const kind of ['--print-live', '--print-dead']) {
    const [theirs, mine] = [await nix('nix-store', '--gc', kind), await ours('nix-store', '--gc', kind)]
    assert.equal(
      mine.stdout,
      theirs.stdout
        .split('\n')
        .slice(0, -1)
        .sort()
        .map((line) => `${line}\n`)
        .join(''),
    )
  }
  assert.equal((await ours('nix-store', '--delete', top)).status, 1)
  assert.match((await ours('nix-store', '--gc')).stdout, /^\d+ store paths deleted, \d+\.\d\d MiB freed\n$/)
  assert.deepEqual([existsSync(top), existsSync(two)], [true, false])
  chmodSync(top, 0o644)
  writeFileSync(top, 'changed')
  assert.equal((await ours('nix-store', '--verify-path', './kept')).status, 1)
  assert.equal((await ours('nix-store', '--verify', '--check-contents')).status, 1)
  assert.equal((await nix('nix-store', '--verify-path', join(directory, 'kept'))).status, 1)
})

async function each<T>(items: readonly T[], action: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await action(item)
}
