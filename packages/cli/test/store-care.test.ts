/** The commands that look after a store, and the fronts for them, on a store that Nix works on as well. */
import assert from 'node:assert/strict'
import { chmodSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peer } from '@baryon/testing'
import { frontPeers } from './front-peers.ts'

const { skip } = peer('nix-store')

/** Builds `top`, which refers to `dependency`, with Nix's own program. */
const recipe = `
  let make = name: script: derivation {
    inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ]; PATH = "/usr/bin:/bin";
  }; in rec {
    dependency = make "dependency-1.0" "mkdir $out; echo dependency > $out/data; echo the same > $out/same";
    top = make "top-1.0" "mkdir $out; cat \${dependency}/data > $out/copy; echo 12345 \${dependency} > $out/user; ln -s \${dependency}/data $out/link; echo the same > $out/same";
  }`

function damage(file: string): void {
  chmodSync(file, 0o644)
  writeFileSync(file, 'damaged')
}

async function withRecipe(context: Parameters<typeof frontPeers>[0]) {
  const peers = frontPeers(context)
  const { directory, nix } = peers
  writeFileSync(join(directory, 'default.nix'), recipe)
  const top = (await nix('nix-build', '-A', 'top', '-o', 'result')).stdout.trim()
  const dependency = (await nix('nix-build', '-A', 'dependency', '-o', 'result-dependency')).stdout.trim()
  const baryon = async (...words: string[]) =>
    peers.ours('baryon', ...words, '--store-dir', join(directory, 'nix/store'), '--root', '/')
  return { ...peers, top, dependency, baryon }
}

test('a damaged store is verified and repaired, and Nix agrees', { skip }, async (context) => {
  const { top, dependency, baryon, nix, ours } = await withRecipe(context)
  const sound = async () => {
    const verified = await nix('nix-store', '--verify', '--check-contents')
    assert.equal(verified.status, 0, verified.stderr)
  }
  damage(`${top}/user`)
  rmSync(dependency, { recursive: true })
  const found = await baryon('store', 'verify', '--check-contents', '--json')
  assert.equal(found.status, 1, found.stderr)
  const kinds = (JSON.parse(found.stdout) as { problems: { kind: string }[] }).problems.map(({ kind }) => kind)
  assert.deepEqual(kinds.sort(), ['broken-reference', 'corrupt', 'missing'])
  const repaired = await baryon('store', 'verify', top, '--closure', '--check-contents', '--repair', '--json')
  assert.equal(repaired.status, 0, repaired.stderr)
  const { repairs } = JSON.parse(repaired.stdout) as { repairs: { path: string; outcome: string; from: string }[] }
  assert.deepEqual(
    repairs.map(({ path, outcome, from }) => [path, outcome, from]).sort(),
    [
      [dependency, 'repaired', 'build'],
      [top, 'repaired', 'build'],
    ].sort(),
  )
  await sound()

  damage(`${dependency}/data`)
  damage(`${top}/copy`)
  assert.equal((await ours('nix-store', '--repair-path', dependency)).status, 0)
  assert.equal((await ours('nix-store', '--verify-path', dependency)).status, 0)
  assert.equal((await ours('nix-store', '--verify', '--check-contents')).status, 1)
  assert.equal((await ours('nix-store', '--verify', '--check-contents', '--repair')).status, 0)
  await sound()
  damage(`${top}/copy`)
  const text = await baryon('store', 'verify', top, '--check-contents', '--repair')
  assert.equal(text.status, 0, text.stderr)
  assert.match(
    text.stdout,
    /contents changed[\s\S]*: repaired from \/.*-top-1\.0\.drv\n1 path checked, 1 problem, all repaired\n$/,
  )
})

test('equal files are linked by the command and by the front, as Nix does it', { skip }, async (context) => {
  const { top, dependency, baryon, nix, ours } = await withRecipe(context)
  const same = () => [top, dependency].map((path) => lstatSync(`${path}/same`).ino)
  const inodes = same()
  const dry = await baryon('store', 'optimise', '--dry-run', '--json')
  assert.equal((JSON.parse(dry.stdout) as { linked: number }).linked, 2)
  assert.deepEqual(same(), inodes)
  const result = await ours('nix-store', '--optimise')
  assert.match(result.stderr, /0\.01 MiB freed by hard-linking 2 files\n/)
  assert.equal(new Set(same()).size, 1)
  assert.match((await nix('nix-store', '--optimise', '-v')).stderr, /freed by hard-linking 0 files/)
  assert.match((await baryon('store', 'optimise')).stdout, /^0 B freed by linking 0 of \d+ files\n$/)
  assert.equal(readFileSync(`${top}/same`, 'utf8'), 'the same\n')
})
