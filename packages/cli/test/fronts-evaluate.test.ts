import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { frontPeers } from './front-peers.ts'

const { skip } = peer('nix-instantiate')

test('nix-instantiate --eval prints what Nix prints, and needs no store', { skip }, async (context) => {
  const { directory, same, sameWith, ours } = frontPeers(context)
  const value = '{ a = 1; b = [ "x\\n" null 1.5 ]; d = { e = ./f; }; }'
  await Promise.all([
    same('nix-instantiate', '--eval', '-E', value),
    same('nix-instantiate', '--eval', '--strict', '-E', value, '-A', 'b'),
    same('nix-instantiate', '--eval', '--strict', '--json', '-E', '{ a = 1; b = [ true "ü" ]; }'),
  ])
  await Promise.all([
    same('nix-instantiate', '--eval', '--strict', '--xml', '--no-location', '-E', value),
    same(
      'nix-instantiate',
      '--eval',
      '-E',
      '{ x, y ? 2 }: [ x y ]',
      '--argstr',
      'x',
      'a',
      '--arg',
      'y',
      '1 + 1',
      '--strict',
    ),
    same('nix-instantiate', '--eval', '-E', '1', '2 + 3'),
    same('nix-instantiate', '--eval', '-E', 'x: x'),
    same('nix-instantiate', '--eval', '-E', '{ f = x: x; g = [ (y: y) builtins.map (builtins.map (z: z)) (1 + 1) ]; }'),
    same('nix-instantiate', '--eval', '--strict', '-E', '{ f = x: x; g = [ builtins.map (builtins.map (z: z)) ]; }'),
  ])
  await Promise.all([
    sameWith('{ a = 1; }.a', 'nix-instantiate', '--eval', '-'),
    sameWith('let a = 1; in { inherit a; }', 'nix-instantiate', '--parse', '-'),
    same('nix-instantiate', '--eval', '-E', '{ a = 1; }', '-A', 'missing'),
  ])
  await Promise.all([
    same('nix-instantiate', '--eval', '-E', 'throw "no"'),
    same('nix-instantiate', '--parse', '-E', '{ a = ; }'),
    same('nix-instantiate', '--no-such-flag'),
  ])
  assert.equal((await ours('nix-instantiate', '--eval', '-E', '1')).stdout, '1\n')
  mkdirSync(join(directory, 'lib/inner'), { recursive: true })
  writeFileSync(join(directory, 'lib/inner/default.nix'), '42')
  await same('nix-instantiate', '--find-file', '-I', `name=${directory}/lib`, 'name/inner')
  await same('nix-instantiate', '--find-file', '-I', `name=${directory}/lib`, 'other')
})

test('evaluation leaves no trace where no store is', { skip }, async (context) => {
  const root = frontPeers(context).directory
  const { ours } = frontPeers(context, { NIX_STORE_DIR: `${root}/none/store`, NIX_STATE_DIR: `${root}/none/var` })
  const result = await ours('nix-instantiate', '--eval', '-E', '"${builtins.toFile "a" "b"}"')
  assert.equal(result.status, 0, result.stderr)
  assert.equal(existsSync(`${root}/none`), false)
})

test('nix-instantiate finds and writes the same derivations', { skip }, async (context) => {
  const { directory, same, nix } = frontPeers(context)
  writeFileSync(
    join(directory, 'default.nix'),
    `{ suffix ? "" }: let make = name: derivation { inherit name; system = "x"; builder = "b"; outputs = [ "out" "dev" ]; };
     in { one = make "one\${suffix}"; set = { recurseForDerivations = true; two = make "two"; }; hidden = { three = make "three"; }; }`,
  )
  const { stdout } = await same('nix-instantiate')
  await same('nix-instantiate', '-A', 'one', '-A', 'set.two.dev')
  await same('nix-instantiate', '--argstr', 'suffix', '-2', '-A', 'one')
  await same('nix-instantiate', '-A', 'hidden.three', '--add-root', join(directory, 'root'), '--indirect')
  assert.match(readlinkSync(join(directory, 'root')), /-three\.drv$/)
  assert.equal((await nix('nix-store', '--check-validity', ...stdout.trim().split('\n'))).status, 0)
})

test('nix-hash hashes and converts as Nix does', { skip: peer('nix-hash').skip }, async (context) => {
  const { directory, same } = frontPeers(context)
  mkdirSync(join(directory, 'tree'))
  writeFileSync(join(directory, 'tree/file'), 'text')
  const sha1 = '0c5a2cd5b1f0d1e5f8fdbf3e3d3a0c07b87d3c5e'
  const cases = [
    ['tree'],
    ['--type', 'sha256', '--base32', 'tree', 'tree/file'],
    ['--type', 'sha512', '--flat', 'tree/file'],
    ['--type', 'sha256', '--truncate', '--base32', 'tree'],
    ['--type', 'sha1', '--to-base32', sha1],
    ['--flat', 'tree'],
  ]
  for (const words of cases) await same('nix-hash', ...words)
  const { stdout } = await same('nix-hash', '--type', 'sha1', '--to-base32', sha1)
  await same('nix-hash', '--type', 'sha1', '--to-base16', stdout.trim())
})
