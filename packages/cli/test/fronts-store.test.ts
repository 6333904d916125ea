import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { frontPeers, frontPeersWithRecipe } from './front-peers.ts'

const { skip } = peer('nix-store')

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

async function each<T>(items: readonly T[], action: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await action(item)
}
