import assert from 'node:assert/strict'
import { chmodSync, existsSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { frontPeersWithRecipe } from './front-peers.ts'

const { skip } = peer('nix-store')

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
