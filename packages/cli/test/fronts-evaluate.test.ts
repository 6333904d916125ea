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
    same('nix-instantiate', '--eval', '-E', 'builtins.unsafeGetAttrPos "a" { a = 1; }'),
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

test('what a recipe says does nothing to a terminal', { skip }, async (context) => {
  const { same } = frontPeers(context)
  // JSON has the escapes that the language lacks.
  const message = String.raw`"a \u001b[1;35mb\u001b[0m \u001b[2Ac \u001b]0;title\u0007d\re"`
  for (const word of ['throw', 'abort', 'builtins.trace', 'builtins.addErrorContext']) {
    await same(
      'nix-instantiate',
      '--eval',
      '--show-trace',
      '-E',
      `${word} (builtins.fromJSON ''${message}'') (throw "x")`,
    )
  }
})

test('with abort-on-warn a warning is an error', async (context) => {
  const { ours } = frontPeers(context, { BARYON_NIX_VERSION: '' })
  const words = ['--eval', '-E', '(builtins.tryEval (builtins.warn "old" 1)).success']
  assert.equal((await ours('nix-instantiate', ...words)).stdout, 'true\n')
  const { status, stderr } = await ours('nix-instantiate', '--option', 'abort-on-warn', 'true', ...words)
  assert.equal(status, 1)
  assert.match(stderr, /evaluation warning: old\n[\s\S]*error: aborting to reveal stack trace of warning/)
})

test('whose language is spoken can be said in three ways', async (context) => {
  const { directory, ours } = frontPeers(context, { BARYON_NIX_VERSION: '' })
  const inOld = frontPeers(context, { BARYON_NIX_VERSION: '2.8' }).ours
  const version = async (program: typeof ours, ...words: string[]) =>
    (await program('nix-instantiate', '--eval', ...words, '-E', 'builtins.nixVersion')).stdout
  assert.equal(await version(ours), '"2.36.0"\n')
  assert.equal(await version(inOld), '"2.8.0"\n')
  assert.equal(await version(inOld, '--option', 'nix-version', '2.36.0'), '"2.36.0"\n')
  writeFileSync(join(directory, 'baryon.toml'), 'nix-version = "2.8.0"\n')
  assert.equal(await version(ours), '"2.8.0"\n')
  // An answer in one language is none in the other.
  const sum = ['nix-instantiate', '--eval', '-E', '9223372036854775807 + 1'] as const
  assert.equal((await ours(...sum)).stdout, '-9223372036854775808\n')
  const refused = await ours(...sum, '--option', 'nix-version', 'newest')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /integer overflow in adding 9223372036854775807 \+ 1/)
  const unknown = await ours(...sum, '--option', 'nix-version', '2.9')
  assert.match(unknown.stderr, /no language of Nix '2.9'/)
  const pipes = ['--extra-experimental-features', 'nix-command pipe-operators', '--option', 'nix-version', '2.36']
  assert.equal((await ours('nix-instantiate', '--eval', ...pipes, '-E', '1 |> builtins.add 2')).stdout, '3\n')
  const deep = await ours('nix-instantiate', '--eval', '--max-call-depth', '50', '-E', '(x: x x) (x: x x)')
  assert.equal(deep.status, 1)
  assert.match(deep.stderr, /stack overflow/)
  const limit = await ours('nix-instantiate', '--eval', '--max-call-depth', 'x', '-E', '1')
  assert.match(limit.stderr, /'x' is no number of nested calls/)
})

test('a flake on this machine is evaluated', async (context) => {
  const { directory, ours } = frontPeers(context, { BARYON_NIX_VERSION: '' })
  const write = (path: string, text: string): void => {
    mkdirSync(join(directory, path, '..'), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  write('a/flake.nix', '{ outputs = { self }: { x = 41; me = toString self; }; }')
  write('a/sub/flake.nix', '{ outputs = { self }: { x = "below"; }; }')
  write('data/file', 'text')
  write(
    'b/flake.nix',
    `{ inputs = { a.url = "path:${directory}/a"; c.follows = "a"; d = { url = "${directory}/data"; flake = false; }; };
       outputs = { self, a, c, d }: { y = a.x + c.x; text = builtins.readFile (d + "/file"); again = self.y; }; }`,
  )
  const evaluated = async (expression: string): Promise<string> => {
    const result = await ours('nix-instantiate', '--eval', '--strict', '--json', '--read-write-mode', '-E', expression)
    assert.equal(result.status, 0, result.stderr)
    return result.stdout.trim()
  }
  const b = `(builtins.getFlake "path:${directory}/b")`
  assert.equal(await evaluated(`with ${b}; [ y text again _type ]`), '[82,"text",82,"flake"]')
  assert.equal(await evaluated(`(builtins.getFlake ${directory}/a).x`), '41')
  assert.equal(await evaluated(`(builtins.getFlake "path:${directory}/a?dir=sub").x`), '"below"')
  assert.match(await evaluated(`(builtins.getFlake "${directory}/a").me`), /-source"$/)
  // What is locked is taken from the lock, relative paths from the tree of their parent.
  const { narHash } = JSON.parse(
    await evaluated(`{ inherit (builtins.fetchTree { type = "path"; path = "${directory}/a"; }) narHash; }`),
  ) as { narHash: string }
  write('c/flake.nix', '{ inputs.a = { }; inputs.s = { }; outputs = { self, a, s }: { z = a.x; w = s.x; }; }')
  write('c/s/flake.nix', '{ outputs = { self }: { x = "in the same tree"; }; }')
  const lock = {
    root: 'root',
    version: 7,
    nodes: {
      root: { inputs: { a: 'a', s: 's' } },
      a: { locked: { type: 'path', path: `${directory}/a`, narHash, lastModified: 1 } },
      s: { locked: { type: 'path', path: './s' }, parent: [] },
    },
  }
  write('c/flake.lock', JSON.stringify(lock))
  assert.equal(await evaluated(`with builtins.getFlake "path:${directory}/c"; [ z w ]`), '[41,"in the same tree"]')
  // Another tree under a hash that is not in the store is refused.
  write('a/new', '')
  lock.nodes.a.locked.narHash = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  write('c/flake.lock', JSON.stringify(lock))
  const refused = await ours('nix-instantiate', '--eval', '-E', `(builtins.getFlake "path:${directory}/c").z`)
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /hash mismatch/)
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
