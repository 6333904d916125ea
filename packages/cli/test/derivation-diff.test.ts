/** `baryon derivation diff`: from two derivations to the attributes in which their graphs begin to differ. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { frontPeers } from './front-peers.ts'

const recipe = `let
  make = attrs: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "true" ]; } // attrs);
  world = { flag ? "-O2", patch ? ./fix, src ? ./old, extra ? [ ], phase ? "make", libcName ? "libc-2.36", json ? 1 }: rec {
    libc = make {
      name = libcName;
      patches = [ patch ];
    };
    gcc = make { name = "gcc-12"; inherit libc; };
    zlib = make {
      name = "zlib-1.3";
      inherit gcc libc;
      configureFlags = [ "--static" flag "--prefix=/x" ];
      buildPhase = phase;
      outputs = [ "out" "dev" ];
    };
    root = make {
      name = "root-6";
      src = builtins.path { path = src; name = "source"; };
      buildInputs = [ zlib.dev gcc ] ++ extra;
      settings = make { name = "settings"; __structuredAttrs = true; deep.inner = json; };
    };
  };
  of = change: (world change).root;
in {
  base = of { };
  flag = of { flag = "-O3"; };
  patch = of { patch = ./new/fix; };
  source = of { src = ./new; };
  input = of { extra = [ (make { name = "xrootd-5"; }) ]; };
  version = of { libcName = "libc-2.37"; };
  structured = of { json = 2; };
  many = of { flag = "-O3"; src = ./new; phase = "make\\nmake check"; };
  fixed = make { name = "f"; outputHash = "1111111111111111111111111111111111111111111111111111"; outputHashAlgo = "sha256"; url = "a"; };
  moved = make { name = "f"; outputHash = "1111111111111111111111111111111111111111111111111111"; outputHashAlgo = "sha256"; url = "b"; };
}`

function diffScene(context: TestContext) {
  const { directory, ours } = frontPeers(context, { BARYON_NIX_VERSION: '' })
  for (const [path, text] of Object.entries({ 'old/same': 's', 'old/file': 'one', fix: 'p' })) write(path, text)
  for (const [path, text] of Object.entries({ 'new/same': 's', 'new/file': 'other', 'new/fix': 'q' })) write(path, text)
  write('recipe.nix', recipe)
  function write(path: string, text: string): void {
    mkdirSync(join(directory, path, '..'), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const root = ['--root', join(directory, 'root')]
  const diff = async (...words: string[]) => {
    const { status, stdout, stderr } = await ours('baryon', 'derivation', 'diff', ...words, ...root)
    return { status, stderr, text: masked(stdout, directory) }
  }
  return { directory, ours, root, diff, ofRecipe: (name: string) => diff('-f', 'recipe.nix', 'base', name) }
}

/** Without what depends on the place of the test. */
function masked(text: string, directory: string): string {
  return Buffer.from(text, 'latin1')
    .toString('utf8')
    .replaceAll(directory, 'HERE')
    .replace(/[0-9a-df-np-sv-z]{32}-/g, 'DIGEST-')
}

const expected: Readonly<Record<string, string>> = {
  flag: `root-6 › zlib-1.3 › variable configureFlags
  at HERE/recipe.nix:12:7
  - -O2
  + -O3
`,
  patch: `root-6 › zlib-1.3 › libc-2.36 › source fix
  at HERE/recipe.nix:6:7
  fix: other contents from byte 0
  in patches
`,
  source: `root-6 › source
  at HERE/recipe.nix:18:7
  file: other contents from byte 1
  fix: only in the second
  in src
`,
  input: `root-6 › variable buildInputs
  at HERE/recipe.nix:19:7
  + /nix/store/DIGEST-xrootd-5
`,
  version: `root-6 › zlib-1.3 › libc-2.37 › variable name
  at HERE/recipe.nix:5:7
  - libc-2.36
  + libc-2.37
`,
  structured: `root-6 › settings › variable deep.inner
  at HERE/recipe.nix:20:70
  - 1
  + 2
`,
  many: `root-6 › source
  at HERE/recipe.nix:18:7
  file: other contents from byte 1
  fix: only in the second
  in src

root-6 › zlib-1.3 › variable buildPhase
  at HERE/recipe.nix:13:7
  + make check

root-6 › zlib-1.3 › variable configureFlags
  at HERE/recipe.nix:12:7
  - -O2
  + -O3
`,
}

test('each change is told once, where it begins, and nothing that only follows', async (context) => {
  const { ofRecipe } = diffScene(context)
  for (const [name, text] of Object.entries(expected)) {
    const result = await ofRecipe(name)
    assert.equal(result.text, text, result.stderr)
    assert.equal(result.status, 1)
  }
})

test('equal derivations are equal, and sides can be exchanged', async (context) => {
  const { ofRecipe, diff } = diffScene(context)
  const same = await ofRecipe('base')
  assert.deepEqual([same.status, same.text], [0, 'equal: /nix/store/DIGEST-root-6.drv\n'])
  const removed = await diff('-f', 'recipe.nix', 'input', 'base')
  assert.equal(removed.text, expected.input!.replace('+', '-'))
  const mirror = await diff('-f', 'recipe.nix', 'fixed', 'moved')
  assert.match(mirror.text, /^f › variable url\n(.*\n){2} {2}- a\n {2}\+ b\n {2}\(its outputs are the same\)\n$/)
})

test('derivations given by their paths are compared as well, and told as data', async (context) => {
  const { directory, ours, root, diff } = diffScene(context)
  const paths = []
  for (const name of ['base', 'flag']) {
    const { stdout } = await ours('baryon', 'eval', '-f', 'recipe.nix', `${name}.drvPath`, '--raw', ...root)
    paths.push(stdout)
  }
  const byPath = await diff(paths[0]!, paths[1]!)
  assert.equal(byPath.text, expected.flag!.replace(/ {2}at .*\n/, ''), byPath.stderr)
  const { text } = await diff('-f', join(directory, 'recipe.nix'), 'base', 'flag', '--json')
  const { equal, differences } = JSON.parse(text) as { equal: boolean; differences: Record<string, unknown>[] }
  assert.equal(equal, false)
  assert.equal(differences.length, 1)
  const { at, attribute, before, after, changes, places } = differences[0]!
  assert.deepEqual(
    { at, attribute, before, after, changes, places },
    {
      at: ['root-6', 'zlib-1.3'],
      attribute: { kind: 'variable', name: 'configureFlags' },
      before: '--static -O2 --prefix=/x',
      after: '--static -O3 --prefix=/x',
      changes: [{ removed: ['-O2'], added: ['-O3'] }],
      places: { first: 'HERE/recipe.nix:12:7', second: 'HERE/recipe.nix:12:7' },
    },
  )
})
