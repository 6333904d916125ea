/** The fronts against Nix itself: both work in turn on the same store, in place, and must print the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { removeTree } from '@baryon/store'
import { peer } from '@baryon/testing'

const clone = resolve(import.meta.dirname, '../../..')
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-fronts-')))
after(() => removeTree(directory))

const environment = {
  PATH: process.env.PATH,
  HOME: join(directory, 'home'),
  NIX_STORE_DIR: join(directory, 'nix/store'),
  NIX_STATE_DIR: join(directory, 'nix/var/nix'),
  NIX_LOG_DIR: join(directory, 'nix/var/log/nix'),
  NIX_CONF_DIR: join(directory, 'conf'),
  NIX_LOCALSTATE_DIR: join(directory, 'nix/var'),
  NIX_REMOTE: '',
  LC_ALL: 'C.UTF-8',
}

interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(program: string, words: readonly string[], input = ''): Result {
  const result = spawnSync(program, words, { env: environment, cwd: directory, input, encoding: 'latin1' })
  if (result.error !== undefined) throw result.error
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

const nix = (program: string, ...words: string[]): Result => run(program, words)
const ours = (program: string, ...words: string[]): Result => run(join(clone, 'bin', program), words)

/** Both print the same and end with the same status. */
function same(program: string, ...words: string[]): Result {
  const expected = nix(program, ...words)
  const actual = ours(program, ...words)
  assert.deepEqual(
    { stdout: actual.stdout, status: actual.status },
    { stdout: expected.stdout, status: expected.status },
    `${program} ${words.join(' ')}\n${actual.stderr}\nNix says: ${expected.stderr}`,
  )
  return actual
}

const recipe = `
let
  make = name: text: derivation {
    inherit name text; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "eval \\"$text\\"" ];
    quoted = "it's a \\"test\\"\\n";
  };
in rec {
  base = make "base" "echo base > $out; echo building base";
  middle = make "middle" "echo \${base} > $out; echo $out >> $out";
  other = make "other" "echo \${base} \${./source.txt} > $out";
  top = make "top" "echo \${middle} \${other} \${base} > $out";
  two = derivation {
    name = "two"; system = builtins.currentSystem; builder = "/bin/sh"; outputs = [ "out" "dev" ];
    args = [ "-c" "echo 1 > $out; echo $out > $dev" ];
  };
  broken = make "broken" "echo this fails; exit 3";
  fixed = derivation { name = "fixed"; system = "builtin"; builder = "builtin:fetchurl"; url = "file:///nowhere"; outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = "0000000000000000000000000000000000000000000000000000"; };
}
`

describe('nix-build and nix-store', { skip: peer('nix-store').skip }, () => {
  let top = ''
  let topDerivation = ''

  before(() => {
    for (const name of ['home', 'conf', 'nix/store', 'tree/sub']) mkdirSync(join(directory, name), { recursive: true })
    writeFileSync(join(directory, 'conf/nix.conf'), 'sandbox = false\nbuild-users-group =\n')
    writeFileSync(join(directory, 'source.txt'), 'source')
    writeFileSync(join(directory, 'default.nix'), recipe)
    writeFileSync(join(directory, 'tree/file'), 'file')
    writeFileSync(join(directory, 'tree/sub/run'), '#!/bin/sh\n')
    chmodSync(join(directory, 'tree/sub/run'), 0o755)
    symlinkSync('../file', join(directory, 'tree/sub/link'))
  })

  test('nix-build builds what Nix then finds valid', () => {
    topDerivation = same('nix-instantiate', '-A', 'top').stdout.trim()
    const built = ours('nix-build', '-A', 'top', '-o', 'kept')
    assert.equal(built.status, 0, built.stderr)
    top = built.stdout.trim()
    assert.deepEqual(nix('nix-build', '-A', 'top').stdout, built.stdout)
    assert.equal(nix('nix-store', '--verify', '--check-contents').status, 0)
    same('nix-build', '-A', 'two', '-A', 'two.dev', '-A', 'base')
    same('nix-build', '-A', 'two', '--no-out-link')
    same('nix-build', '-A', 'top', '--dry-run')
  })

  test('a failing build ends with status 100', () => {
    const result = same('nix-build', '-A', 'broken', '--no-out-link')
    assert.equal(result.status, 100)
    assert.match(result.stderr, /this fails/)
  })

  test('nix-store answers the same questions', () => {
    const queries = [
      ['--references'],
      ['--referrers'],
      ['--referrers-closure'],
      ['-R'],
      ['--requisites', '--include-outputs'],
      ['--deriver'],
      ['--hash'],
      ['--size'],
      ['--tree'],
      ['--graph'],
      ['--roots'],
      ['--outputs'],
      ['-b', 'quoted'],
    ]
    for (const words of queries) {
      for (const path of [top, topDerivation]) {
        // A path stands for its deriver in few queries only; errors must agree as well.
        same('nix-store', '-q', ...words, path)
      }
    }
    same('nix-store', '-qR', './kept')
    same('nix-store', '-q', '--references', '-u', topDerivation)
    same('nix-store', '--print-env', topDerivation)
    same('nix-store', '--dump-db')
    same('nix-store', '--check-validity', top)
    same('nix-store', '-r', topDerivation)
    same('nix-store', '-r', `${topDerivation}!out`, top)
  })

  test('the log of a build', () => {
    const base = ours('nix-instantiate', '-A', 'base').stdout.trim()
    assert.equal(ours('nix-store', '-l', base).stdout, 'building base\n')
    assert.equal(ours('nix-store', '--read-log', top).status, 0)
  })

  test('garbage collection sees the roots of both', () => {
    same('nix-store', '--gc', '--print-roots')
    const live = [nix, ours].map((program) =>
      program('nix-store', '--gc', '--print-live').stdout.trim().split('\n').sort(),
    )
    assert.deepEqual(live[1], live[0])
    assert.equal(ours('nix-store', '--delete', top).status, 1)
    const freed = ours('nix-store', '--gc')
    assert.match(freed.stdout, /^\d+ store paths deleted, \d+\.\d\d MiB freed\n$/)
    assert.equal(nix('nix-store', '--verify', '--check-contents').status, 0)
    assert.equal(ours('nix-store', '--verify', '--check-contents').status, 0)
    assert.equal(same('nix-store', '--check-validity', top).status, 0)
  })
})
