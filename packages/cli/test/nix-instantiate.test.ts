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

describe('nix-instantiate, nix-hash and what needs no build', { skip: peer('nix-store').skip }, () => {
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

  test('nix-instantiate prints the same derivations', () => {
    for (const words of [['-A', 'top'], ['-A', 'two'], ['-A', 'two.dev'], [], ['-E', '(import ./default.nix).base']])
      same('nix-instantiate', ...words)
  })

  test('nix-instantiate evaluates the same', () => {
    const expressions = [
      '1 + 1',
      '{ a = [ 1 "x" ./default.nix ]; b = 2; }',
      'throw "no"',
      '"ünï"',
      'builtins.nixVersion',
      '{ }',
      '[ ]',
      '1.5',
      'null',
    ]
    for (const text of expressions) {
      for (const words of [
        ['--eval'],
        ['--eval', '--strict'],
        ['--eval', '--json', '--strict'],
        ['--eval', '--xml'],
        ['--parse'],
      ]) {
        same('nix-instantiate', ...words, '-E', text)
      }
    }
    same('nix-instantiate', '--eval', '-E', '{ x, y ? 2 }: x + y', '--arg', 'x', '3', '-A', '')
    same('nix-instantiate', '--eval', '-E', '{ x }: { y = x; }', '--argstr', 'x', 'text', '-A', 'y')
    same('nix-instantiate', '--find-file', '-I', `here=${directory}`, 'here/default.nix')
    same('nix-instantiate', '--eval', '-E', '<here/source.txt>', '-I', `here=${directory}`)
    const [expected, actual] = [
      run('nix-instantiate', ['--eval', '-'], '40 + 2'),
      run(join(clone, 'bin/nix-instantiate'), ['--eval', '-'], '40 + 2'),
    ]
    assert.deepEqual(actual, expected)
    assert.equal(same('nix-instantiate', '--nonsense').status, 1)
  })

  test('nix-store adds, dumps and restores the same', () => {
    same('nix-store', '--add', 'tree')
    same('nix-store', '--add', 'source.txt', 'tree/sub')
    same('nix-store', '--add-fixed', 'sha256', 'source.txt')
    same('nix-store', '--add-fixed', 'sha1', 'source.txt')
    same('nix-store', '--add-fixed', '--recursive', 'md5', 'tree')
    same('nix-store', '--add-fixed', 'sha256', 'tree')
    same('nix-store', '--print-fixed-path', 'sha256', '0000000000000000000000000000000000000000000000000000', 'name')
    const archive = same('nix-store', '--dump', 'tree').stdout
    const restored = spawnSync(join(clone, 'bin/nix-store'), ['--restore', 'copy'], {
      env: environment,
      cwd: directory,
      input: Buffer.from(archive, 'latin1'),
    })
    assert.equal(restored.status, 0, restored.stderr.toString())
    assert.equal(nix('nix-store', '--dump', 'copy').stdout, archive)
  })

  test('nix-hash hashes the same', () => {
    for (const words of [
      [],
      ['--type', 'sha256'],
      ['--type', 'sha512', '--base32'],
      ['--flat', '--type', 'sha1'],
      ['--type', 'sha256', '--base32', '--truncate'],
    ]) {
      same('nix-hash', ...words, words.includes('--flat') ? 'source.txt' : 'tree')
    }
    const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    for (const form of ['--to-base16', '--to-base32']) {
      same('nix-hash', '--type', 'sha256', form, hash)
      same('nix-hash', '--type', 'sha256', form, `sha256:${hash}`)
    }
  })
})
