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

test('a dependency is explained by the ways that Nix finds, with file and offset', { skip }, async (context) => {
  const { directory, nix, baryon } = await withRecipe(context)
  writeFileSync(
    join(directory, 'graph.nix'),
    `let make = name: script: derivation {
      inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ]; PATH = "/usr/bin:/bin";
    }; in rec {
      low = make "low-1.0" "echo low > $out";
      left = make "left-1.0" "mkdir $out; printf '#!%s/bin' \${low} > $out/run; chmod +x $out/run";
      right = make "right-1.0" "mkdir -p $out/share; ln -s \${low}/x $out/share/link; printf '%010d%s' 0 \${left} > $out/share/data";
      high = make "high-1.0" "mkdir $out; echo \${left} > $out/left; echo \${right} > $out/right; mkdir $out/$(basename \${right})";
    }`,
  )
  const high = (await nix('nix-build', 'graph.nix', '-A', 'high', '--no-out-link')).stdout.trim()
  const low = (await nix('nix-build', 'graph.nix', '-A', 'low', '--no-out-link')).stdout.trim()
  const why = (...words: string[]) =>
    nix('nix', '--extra-experimental-features', 'nix-command', 'why-depends', high, low, ...words)
  const storePaths = (text: string) => [...new Set(text.match(/\/nix\/store\/[0-9a-z]{32}-[a-z]+-1\.0/g))].sort()
  for (const words of [[], ['--all']]) {
    const expected = await why(...words)
    const found = await baryon('store', 'why-depends', high, low, ...words)
    assert.equal(found.status, 0, found.stderr)
    assert.deepEqual(storePaths(found.stdout), storePaths(expected.stdout))
  }
  const record = await baryon('store', 'why-depends', high, low, '--all', '--json')
  const { edges } = JSON.parse(record.stdout) as {
    edges: { from: string; to: string; places: { file: string; kind: string; offset: number }[] }[]
  }
  const short = (path: string) => path.slice(path.lastIndexOf('/') + 34)
  const prefix = join(directory, 'nix/store/').length
  const right = edges.find(({ to }) => short(to) === 'right-1.0')!.to
  // In the order of digests, which the directory of this test decides.
  assert.deepEqual(
    edges
      .map(({ from, to, places }) => [short(from), short(to), places.sort((a, b) => (a.kind < b.kind ? -1 : 1))])
      .sort((a, b) => (`${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1)),
    [
      ['high-1.0', 'left-1.0', [{ file: 'left', kind: 'text', offset: prefix }]],
      [
        'high-1.0',
        'right-1.0',
        [
          { file: right.slice(prefix), kind: 'name', offset: 0 },
          { file: 'right', kind: 'text', offset: prefix },
        ],
      ],
      ['left-1.0', 'low-1.0', [{ file: 'run', kind: 'script', offset: 2 + prefix }]],
      ['right-1.0', 'left-1.0', [{ file: 'share/data', kind: 'text', offset: 10 + prefix }]],
      ['right-1.0', 'low-1.0', [{ file: 'share/link', kind: 'symlink', offset: prefix }]],
    ],
  )
  // Every place that Nix shows is among ours.
  const precise = (await why('--all', '--precise')).stdout
  for (const file of ['left', 'right', 'run', 'share/data', 'share/link']) assert.ok(precise.includes(file), precise)
  const none = await baryon('store', 'why-depends', low, high)
  assert.equal(none.status, 1)
  assert.match(none.stdout, /does not depend on/)
})

test('closures differ by package as Nix says, and trees file by file', { skip }, async (context) => {
  const { directory, nix, baryon } = await withRecipe(context)
  writeFileSync(
    join(directory, 'closures.nix'),
    `let make = name: script: derivation {
      inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ]; PATH = "/usr/bin:/bin";
    };
    zeros = count: "head -c \${toString count} /dev/zero > $out";
    in rec {
      same = make "same-lib-1.0" (zeros 100);
      plain = make "plain" (zeros 10);
      library1 = make "library-1.2.3" (zeros 20000);
      library2 = make "library-1.3" (zeros 50000);
      grown1 = make "grown-2.0-dev" "\${zeros 1000}";
      grown2 = make "grown-2.0-dev" "\${zeros 90000}";
      first = make "top-1" "mkdir $out; echo \${same} \${plain} \${library1} \${grown1} > $out/list; echo a > $out/a; echo 123456 > $out/data";
      second = make "top-1" "mkdir $out; echo \${same} \${library2} \${library1} \${grown2} > $out/list; echo b > $out/b; echo 123x56 > $out/data";
    }`,
  )
  const build = async (name: string) =>
    (await nix('nix-build', 'closures.nix', '-A', name, '--no-out-link')).stdout.trim()
  const [first, second] = [await build('first'), await build('second')]
  const expected = await nix(
    'nix',
    '--extra-experimental-features',
    'nix-command',
    'store',
    'diff-closures',
    first,
    second,
  )
  // Bytes are two chars of a byte string each; colours are Nix's own.
  const plain = (text: string) =>
    text
      .replace(/\x1b\[[0-9;]*m/g, '')
      .trim()
      .split('\n')
      .sort()
  const found = await baryon('store', 'diff', first, second, '--closure')
  assert.deepEqual(plain(found.stdout), plain(expected.stdout))
  assert.equal(found.status, 1)
  assert.equal((await baryon('store', 'diff', first, first, '--closure')).status, 0)
  const files = await baryon('store', 'diff', first, second)
  assert.match(
    files.stdout,
    /^a: only in the first\nb: only in the second\ndata: other contents from byte 3\nlist: other contents from byte \d+\n$/,
  )
})
