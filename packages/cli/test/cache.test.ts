/** Binary caches from the command line: keys, push, pull, and builds that take what is there. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatPublicKey, parseSecretKey } from '@baryon/format'
import { peer, temporaryDirectory } from '@baryon/testing'
import { frontPeersWithRecipe } from './front-peers.ts'

const bin = resolve(import.meta.dirname, '../../../bin')
const nix = peer('nix')

const recipe = `rec {
  base = derivation { name = "base"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo base > $out" ]; };
  top = derivation { name = "top"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo \${base} $out > $out" ]; };
}`

/** Commands with a home of their own; \`root\` names the store below the directory. */
function commands(t: TestContext) {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'home'))
  writeFileSync(join(directory, 'default.nix'), recipe)
  const environment = { PATH: process.env.PATH!, HOME: join(directory, 'home'), BARYON_STORE_DIR: '/hep/store' }
  const run = (root: string, words: readonly string[], variables: Record<string, string> = {}) => {
    const result = spawnSync(join(bin, 'baryon'), words, {
      cwd: directory,
      encoding: 'utf8',
      input: '',
      env: { ...environment, BARYON_ROOT: join(directory, root), ...variables },
    })
    return { status: result.status, stdout: result.stdout, stderr: result.stderr }
  }
  const good = (root: string, words: readonly string[], variables: Record<string, string> = {}): string => {
    const result = run(root, words, variables)
    assert.equal(result.status, 0, `baryon ${words.join(' ')}\n${result.stderr}`)
    return result.stdout.trim()
  }
  return { directory, environment, run, good }
}

const build = ['build', '-f', '.', '--no-link', '--json']

test('what is pushed is taken instead of built, when its key is trusted', async (t) => {
  const { directory, run, good } = commands(t)
  const publicKey = good('a', ['cache', 'create-key', 'hep-1', '--out', 'key'])
  assert.equal(statSync(join(directory, 'key')).mode & 0o777, 0o600)
  assert.equal(formatPublicKey(parseSecretKey(readFileSync(join(directory, 'key'), 'latin1')).publicKey), publicKey)
  assert.match(run('a', ['cache', 'create-key', 'hep-1', '--out', 'key']).stderr, /^error\[KEY_EXISTS\]/)

  const built = JSON.parse(good('a', [...build, 'top']))
  assert.equal(built.built.length, 2)
  const top: string = built.results[0].path
  assert.match(good('a', ['cache', 'push', 'cache', top, '--key', 'key']), /^2 paths pushed to cache, /)
  const again = JSON.parse(good('a', ['cache', 'push', 'cache', top, '--key', 'key', '--json']))
  assert.deepEqual([again.pushed, again.present], [[], 2])

  // Nobody's key is trusted: it says so, and builds.
  const distrustful = run('b', [...build, 'top', '--substituter', 'cache'])
  assert.match(distrustful.stderr, /not signed by a trusted key \(signed by hep-1\)/)
  assert.equal(JSON.parse(distrustful.stdout).built.length, 2)

  const trusting = ['--substituter', 'cache', '--trusted-public-key', publicKey]
  const planned = JSON.parse(good('c', [...build, 'top', ...trusting, '--dry-run']))
  assert.deepEqual([planned.build, planned.substitute.length], [[], 2])
  const taken = JSON.parse(good('c', [...build, 'top', ...trusting]))
  assert.deepEqual([taken.built, taken.substituted.length], [[], 2])
  good('c', ['store', 'verify', '--check-contents'])

  const variables = {
    BARYON_SUBSTITUTERS: join(directory, 'cache'),
    BARYON_TRUSTED_PUBLIC_KEYS: `x-1:${publicKey.slice(6)} ${publicKey}`,
  }
  assert.equal(JSON.parse(good('d', [...build, 'top'], variables)).substituted.length, 2)
  assert.equal(JSON.parse(good('e', [...build, 'top', '--no-substitute'], variables)).built.length, 2)
  writeFileSync(join(directory, 'baryon.toml'), `substituters = ["cache"]\ntrusted-public-keys = ["${publicKey}"]\n`)
  assert.equal(JSON.parse(good('f', [...build, 'top'])).substituted.length, 2)
})

test('a damaged cache is passed over for the next one, and for a build in the end', async (t) => {
  const { directory, good } = commands(t)
  const top: string = JSON.parse(good('a', [...build, 'top'])).results[0].path
  for (const name of ['broken', 'whole']) good('a', ['cache', 'push', name, top, '--compression', 'none'])
  for (const file of readdirSync(join(directory, 'broken/nar'))) writeFileSync(join(directory, 'broken/nar', file), 'x')
  const caches = (...names: string[]) => names.flatMap((name) => ['--substituter', `${name}?trusted=1`])
  const next = JSON.parse(good('b', [...build, 'top', ...caches('broken', 'whole')]))
  assert.deepEqual([next.built, next.substituted.length], [[], 2])
  const rebuilt = JSON.parse(good('c', [...build, 'top', ...caches('broken')]))
  assert.deepEqual([rebuilt.built.length, rebuilt.substituted], [2, []])
  good('c', ['store', 'verify', '--check-contents'])
})

test('pull, sign, copy and path-info', async (t) => {
  const { directory, run, good } = commands(t)
  const publicKey = good('a', ['cache', 'create-key', 'hep-1', '--out', 'key'])
  const top: string = JSON.parse(good('a', [...build, 'top'])).results[0].path
  good('a', ['store', 'copy', '--to', `file://${directory}/cache`, top])
  const pull = ['cache', 'pull', 'cache', top]
  const refused = run('b', pull)
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^error\[SIGNATURE_MISSING\]/m)
  assert.equal(good('b', [...pull, '--no-check-sigs']), top)

  assert.match(good('a', ['cache', 'sign', '--key', 'key', '-r', top]), /^2 paths signed/)
  good('a', ['cache', 'push', 'signed', top])
  good('c', ['store', 'copy', '--from', `file://${directory}/signed`, top, '--trusted-public-key', publicKey])
  const [record] = JSON.parse(good('c', ['store', 'path-info', '--store', 'signed', top, '--json'])).paths
  assert.match(record.signatures[0], /^hep-1:/)
  assert.equal(record.references.length, 2)

  good('c', ['store', 'copy', '--to', 'd', top])
  good('e', ['store', 'copy', '--from', 'd', top])
  for (const root of ['b', 'c', 'd', 'e']) good(root, ['store', 'verify', '--check-contents'])
  assert.match(run('e', ['store', 'path-info', '--store', 'nothing', top]).stderr, /^error\[CACHE_MISSING\]/)
})

test('push to and pull from our own server, with its token', async (t) => {
  const { directory, environment, run, good } = commands(t)
  const top: string = JSON.parse(good('a', [...build, 'top'])).results[0].path
  writeFileSync(join(directory, 'token'), 'sixteen characters and more\n'.replaceAll(' ', '-'))
  good('s', ['store', 'add', 'default.nix'])
  const server = spawn(
    join(bin, 'baryon'),
    ['cache', 'serve', '--listen', '127.0.0.1:0', '--upload-token-file', 'token'],
    {
      cwd: directory,
      env: { ...environment, BARYON_ROOT: join(directory, 's') },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  t.after(() => server.kill())
  const url = await new Promise<string>((found, fail) => {
    server.on('exit', (status) => fail(new Error(`the server ended with ${status}`)))
    server.stdout.on('data', (text) => {
      const match = /http:\/\/[0-9.:]+/.exec(String(text))
      if (match !== null) found(match[0])
    })
  })
  assert.match(run('a', ['cache', 'push', url, top]).stderr, /error\[FETCH_FORBIDDEN\]/)
  for (const compression of ['zstd', 'none']) {
    good('a', ['cache', 'push', url, top, '--token-file', 'token', '--compression', compression])
  }
  good('b', ['cache', 'pull', url, top, '--no-check-sigs'])
  good('b', ['store', 'verify', '--check-contents'])
  assert.ok(existsSync(join(directory, 'b', top)))
})

test('damage is repaired from a cache', async (t) => {
  const { directory, good } = commands(t)
  const top: string = JSON.parse(good('a', [...build, 'top'])).results[0].path
  good('a', ['cache', 'push', 'cache', top])
  good('b', ['cache', 'pull', 'cache', top, '--no-check-sigs'])
  const file = join(directory, 'b', top)
  spawnSync('chmod', ['u+w', file])
  writeFileSync(file, 'damaged')
  good('b', ['store', 'verify', '--check-contents', '--repair', '--substituter', 'cache?trusted=1'])
  assert.match(readFileSync(file, 'utf8'), /-base /)
})

test("the fronts take Nix's settings, and a cache that Nix made", { skip: nix.skip }, async (t) => {
  const { directory, ours, nix: theirs } = frontPeersWithRecipe(t)
  const top = (await theirs('nix-build', '-A', 'top', '--no-out-link')).stdout.trim()
  const cache = `file://${join(directory, 'cache')}`
  const flags = ['--extra-experimental-features', 'nix-command']
  assert.equal((await theirs('nix', ...flags, 'copy', '--to', cache, top)).status, 0)
  const forget = async (): Promise<void> => {
    assert.equal((await theirs('nix-store', '--gc')).status, 0)
    assert.equal(existsSync(top), false)
  }
  await forget()
  const unsigned = ['--option', 'substituters', cache, '--option', 'require-sigs', 'false']
  const built = await ours('nix-build', '-A', 'top', '--no-out-link', ...unsigned)
  assert.equal(built.stdout.trim(), top, built.stderr)
  assert.match(built.stderr, /copying path/)
  assert.doesNotMatch(built.stderr, /building '/)
  await forget()
  const realised = await ours('nix-store', '-r', top, ...unsigned)
  assert.equal(realised.stdout.trim(), top, realised.stderr)
  await forget()
  const other = await ours('nix-build', '-A', 'top', '--no-out-link', ...unsigned, '--option', 'substitute', 'false')
  assert.equal(other.stdout.trim(), top)
  assert.match(other.stderr, /building '/)
  assert.equal((await theirs('nix-store', '--verify', '--check-contents')).status, 0)
})
