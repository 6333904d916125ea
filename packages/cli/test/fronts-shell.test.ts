import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOnPath, peer } from '@baryon/testing'
import { frontPeers } from './front-peers.ts'

const skip = peer('nix-shell').skip || (isOnPath('bash') ? false : 'bash is not installed')

const recipe = `{ inNixShell ? false, x ? "default" }:
let
  make = name: text: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" text ];
  };
  stdenv = builtins.path { name = "stdenv"; path = ./stdenv; };
in derivation {
  name = "shell"; system = builtins.currentSystem; builder = "/bin/sh"; inherit stdenv x inNixShell;
  dep = make "dep" "echo made > $out";
  shellHook = "echo hook $x"; text = "a'b\\nc"; passAsFile = [ "big" ]; big = "BIG";
}`

test('nix-shell gives the environment that Nix gives', { skip }, async (context) => {
  const { directory, same } = frontPeers(context, { NIX_BUILD_SHELL: '/bin/bash', FOO: 'foo', KEPT: 'kept' })
  mkdirSync(join(directory, 'stdenv'))
  writeFileSync(
    join(directory, 'stdenv/setup'),
    'echo setup; export FROM_SETUP=1; PATH=/initial; runHook() { eval "${!1}"; }\n',
  )
  writeFileSync(join(directory, 'default.nix'), recipe)
  writeFileSync(
    join(directory, 'plain.nix'),
    'derivation { name = "p"; system = builtins.currentSystem; builder = "/bin/sh"; A = "1"; PATH = "/given"; }',
  )
  writeFileSync(join(directory, 'script'), '#! /usr/bin/env nix-shell\n#! nix-shell -i sh plain.nix\necho $A "$@"\n')
  const show =
    'read line < $dep; echo "$line|$x|$inNixShell|$text|$IN_NIX_SHELL|$FROM_SETUP|$PATH|$name|$out|$FOO|$KEPT|$HOME|$(< $bigPath)"; exit 7'
  assert.match((await same('nix-shell', '--run', show)).stdout, /^setup\nhook default\nmade\|default\|1\|/)
  await same('nix-shell', '--pure', '--keep', 'KEPT', '--argstr', 'x', 'y', '--run', show)
  await same('nix-shell', 'plain.nix', '--run', 'echo $A $FOO $PATH $SHELL $BASH')
  await same('nix-shell', '--pure', 'plain.nix', '--command', 'echo $A $FOO $PATH')
  await same('nix-shell', 'script', 'a  b', 'c')
  await same('nix-shell', '-E', '[ ]', '--run', 'true')
  await same('nix-shell', '-E', '1 +', '--run', 'true')
})

test('nix-shell -p takes packages from <nixpkgs>', { skip }, async (context) => {
  const { directory, same } = frontPeers(context, { NIX_BUILD_SHELL: '/bin/bash', TMPDIR: undefined })
  writeFileSync(
    join(directory, 'nixpkgs.nix'),
    `{ ... }: rec { pkgs = { inherit runCommand tool; }; tool = builtins.toFile "tool" "T";
      runCommand = name: attrs: text: derivation ({ inherit name; system = builtins.currentSystem; builder = "/bin/sh"; } // attrs); }`,
  )
  const words = ['-I', `nixpkgs=${directory}/nixpkgs.nix`, '--run', 'echo $name $buildInputs']
  assert.match((await same('nix-shell', '-p', 'tool', '"${tool}"', ...words)).stdout, /^shell \/.*-tool \/.*-tool\n$/)
})

test('nix-shell removes its directory', { skip }, async (context) => {
  const { directory, ours } = frontPeers(context)
  const temporary = join(directory, 'temporary')
  mkdirSync(temporary)
  const again = frontPeers(context, { TMPDIR: temporary, NIX_BUILD_SHELL: '/bin/bash' })
  const expression = 'derivation { name = "p"; system = builtins.currentSystem; builder = "/bin/sh"; }'
  const result = await again.ours('nix-shell', '--pure', '-E', expression, '--run', 'echo $name')
  assert.equal(result.stdout, 'p\n', result.stderr)
  assert.deepEqual(readdirSync(temporary), [])
  assert.equal((await ours('nix-shell', '--version')).stdout, 'nix-shell (Baryon) 0.1.0\n')
})
