/** What makes an evaluation wait: builds and fetches in its middle. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '@baryon/store'
import { cleanEnvironment, isOnPath, temporaryDirectory } from '@baryon/testing'
import { type EvaluationRequest, evaluate } from '../index.ts'

interface World {
  readonly directory: string
  readonly storeDirectory: string
  readonly root: string
  textOf(text: string, more?: Partial<EvaluationRequest>): Promise<string>
}

function world(directory: string): World {
  const storeDirectory = '/cvmfs/lhcb.example.org/nix/store'
  const root = join(directory, 'root')
  return {
    directory,
    storeDirectory,
    root,
    textOf: async (text, more = {}) => {
      const request: EvaluationRequest = {
        source: { kind: 'expression', text },
        output: 'json',
        strict: true,
        store: { kind: 'write', options: { storeDirectory, root } },
        cacheDirectory: join(directory, 'cache'),
        answerCache: false,
        onLog: () => {},
        ...more,
      }
      return (await evaluate(request)).texts[0]!
    },
  }
}

test('a derivation is built because its output is imported', async (t) => {
  const { textOf, root, storeDirectory } = world(temporaryDirectory(t))
  const events: unknown[] = []
  const text = `let
      made = derivation { name = "made"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo '{ n = 42; }' > $out" ]; };
    in [ (import made).n (builtins.readFile made) (builtins.pathExists made.outPath) ]`
  assert.equal(await textOf(text, { onBuildEvent: (event) => events.push(event) }), '[42,"{ n = 42; }\\n",true]')
  assert.ok(events.length > 0, 'the build is reported')
  const store = openStore({ storeDirectory, root, readOnly: true })
  assert.equal(store.allValidPaths().filter((path) => path.name === 'made').length, 1)
  store.close()

  const forbidden = { settings: { allowImportFromDerivation: false } }
  await assert.rejects(textOf(text, forbidden), /'allow-import-from-derivation' is disabled/)
})

test('a build that fails ends the evaluation with its error', async (t) => {
  const { textOf } = world(temporaryDirectory(t))
  const text =
    'import (derivation { name = "bad"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "exit 3" ]; })'
  await assert.rejects(textOf(text), /bad/)
})

test('the caller may bring who builds', async (t) => {
  const { textOf, directory } = world(temporaryDirectory(t))
  const module = join(directory, 'builder.mjs')
  writeFileSync(
    module,
    `export async function realiseOutputs(call) { throw new Error('asked for ' + call.targets[0].outputs + ' by ' + call.data) }`,
  )
  const text = 'import (derivation { name = "x"; system = "s"; builder = "b"; })'
  await assert.rejects(textOf(text, { realise: { module: `file://${module}`, data: 'me' } }), /asked for out by me/)
})

test('fetchurl and fetchTarball, with and without hashes', { skip: isOnPath('tar') ? false : 'no tar' }, async (t) => {
  const { textOf, directory } = world(temporaryDirectory(t))
  writeFileSync(join(directory, 'file.txt'), 'hello')
  mkdirSync(join(directory, 'top-1.0'))
  writeFileSync(join(directory, 'top-1.0/default.nix'), '"from the archive"')
  spawnSync('tar', ['-czf', 'top.tar.gz', 'top-1.0'], { cwd: directory })
  const sha256 = createHash('sha256').update('hello').digest('hex')
  const url = `file://${directory}/file.txt`
  assert.equal(await textOf(`builtins.readFile (builtins.fetchurl "${url}")`), '"hello"')
  assert.equal(
    await textOf(`builtins.readFile (builtins.fetchurl { url = "${url}"; sha256 = "${sha256}"; name = "n"; })`),
    '"hello"',
  )
  const archive = `file://${directory}/top.tar.gz`
  assert.equal(await textOf(`import (fetchTarball "${archive}")`), '"from the archive"')
  assert.equal(await textOf(`import <x>`, { searchPath: [`x=${archive}`] }), '"from the archive"')
  const none = { kind: 'none', storeDirectory: '/nix/store' } as const
  assert.equal(await textOf(`import (fetchTarball "${archive}")`, { store: none }), '"from the archive"')
  await assert.rejects(
    textOf(`builtins.fetchurl { url = "${url}"; sha256 = "${'0'.repeat(64)}"; }`),
    /hash mismatch in file downloaded from .*\n.*specified: sha256-AAAA.*\n.*got: {7}sha256-LPJNul/,
  )
  // What the hash names is in the store: nobody looks at the URL.
  const gone = `builtins.readFile (builtins.fetchurl { url = "file:///nowhere/n"; sha256 = "${sha256}"; })`
  assert.equal(await textOf(gone), '"hello"')
})

test('fetchGit', { skip: isOnPath('git') ? false : 'no git' }, async (t) => {
  const { textOf, directory } = world(temporaryDirectory(t))
  const repository = join(directory, 'repository')
  const git = (...args: string[]): string => {
    const identity = {
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@b',
    }
    const dates = { GIT_AUTHOR_DATE: '1700000000 +0000', GIT_COMMITTER_DATE: '1700000000 +0000' }
    const env = { ...cleanEnvironment(directory), ...identity, ...dates }
    return spawnSync('git', args, { cwd: repository, env, encoding: 'utf8' }).stdout.trim()
  }
  mkdirSync(repository)
  git('init', '-q', '-b', 'main')
  writeFileSync(join(repository, 'default.nix'), '"committed"')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
  const rev = git('rev-parse', 'HEAD')
  const fields = 'inherit (g) rev shortRev revCount lastModified lastModifiedDate submodules; text = import g;'
  const expected = {
    lastModified: 1700000000,
    lastModifiedDate: '20231114221320',
    rev,
    revCount: 1,
    shortRev: rev.slice(0, 7),
    submodules: false,
    text: 'committed',
  }
  for (const argument of [`${repository}`, `{ url = "file://${repository}"; rev = "${rev}"; }`]) {
    const text = await textOf(`let g = builtins.fetchGit ${argument}; in { ${fields} }`)
    assert.deepEqual(JSON.parse(text), expected, argument)
  }
  assert.ok(readFileSync(join(repository, 'default.nix')).length > 0)
})
