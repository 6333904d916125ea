/** Releases from the description in a stack to the store: made, looked at, compared, kept, removed. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { peer, temporaryDirectory } from '@baryon/testing'
import { OTHER_TAG, type ReleaseScene, releaseScene, TAG } from './release-scene.ts'

const STORE = '/cvmfs/hep.example.org/nix/store'
const DESCRIPTION = `
description = "A test"
packages = ["hello", "zlib"]
program = "hello"

[variables]
HEP_DATA = "@view@/share"

[tasks]
demo = "hello --events 10"
`

interface Created {
  readonly isChanged: boolean
  readonly index: string
  readonly platforms: readonly { platform: string; path: string; view: string }[]
}

interface Shown {
  readonly platforms: readonly {
    platform: string
    path: string
    view: string
    packages: { attribute: string; version: string; paths: string[]; dependencies: string[] }[]
    closure: { path: string }[]
  }[]
}

describe('a release', () => {
  test('is made for all platforms, kept from the collector, and the same when made again', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', DESCRIPTION)
    const created = scene.json<Created>('release', 'create', 'HEP/1.0')
    assert.deepEqual(created.platforms.map(({ platform }) => platform).sort(), [OTHER_TAG, TAG])
    assert.ok(created.isChanged)
    scene.good('store', 'gc')
    const again = scene.json<Created>('release', 'create', 'HEP/1.0')
    assert.deepEqual(again, { ...created, isChanged: false })

    const release = physical(scene, created.platforms.find(({ platform }) => platform === TAG)!.path)
    const [shown] = scene.json<Shown>('release', 'show', 'hep', '-c', TAG).platforms
    assert.deepEqual(
      shown!.packages.map(({ attribute, version, dependencies }) => [attribute, version, dependencies]),
      [
        ['hello', '2.0', ['zlib']],
        ['zlib', '1.2.13', []],
      ],
    )
    assert.deepEqual(JSON.parse(readFileSync(join(release, 'manifest.json'), 'utf8')).closure, shown!.closure)
    assert.deepEqual(readdirSync(join(release, 'bin')).sort(), ['demo', 'hello', 'run', 'zlib'])
    assert.equal(readlinkSync(join(release, 'include')), `${shown!.view}/include`)
    assert.match(scene.good('release', 'list'), new RegExp(`^HEP/1\\.0 +${OTHER_TAG} ${TAG}$`))

    // Nothing is kept for ever.
    scene.good('release', 'remove', 'HEP/1.0', '-c', OTHER_TAG)
    assert.match(scene.good('release', 'list'), new RegExp(`^HEP/1\\.0 +${TAG}$`))
    scene.good('release', 'remove', 'HEP/1.0')
    assert.equal(scene.good('release', 'list'), '')
    scene.good('store', 'gc')
    assert.equal(existsSync(release), false)
  })

  test('is right for the real tools', { skip: peer('nix-store').skip }, (t) => {
    const scene = releaseScene(t, 'in place')
    scene.describe('HEP/1.0', DESCRIPTION)
    const { index, platforms } = scene.json<Created>('release', 'create', 'HEP/1.0', '-c', TAG)
    const nix = peer('nix-store')
    const options = {
      home: temporaryDirectory(t),
      environment: {
        NIX_STORE_DIR: scene.storeDirectory,
        NIX_STATE_DIR: join(scene.directory, 'var/nix'),
        NIX_LOG_DIR: join(scene.directory, 'var/log/nix'),
        NIX_REMOTE: '',
      },
    }
    const closure = nix.output(['--query', '--requisites', index], options).split('\n')
    assert.ok(closure.includes(platforms[0]!.view))
    nix.output(['--verify-path', ...closure], options)
    nix.output(['--gc'], options)
    assert.ok(existsSync(join(platforms[0]!.path, 'bin/run')))
    assert.deepEqual(
      closure.filter((path) => !existsSync(path)),
      [],
    )
  })

  test('with other contents replaces the former one only when told to', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', DESCRIPTION)
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG)
    const before = scene.json<Shown>('release', 'show', 'HEP/1.0')
    const refused = scene.run(['release', 'create', 'HEP/1.0', '-c', TAG, '--argstr', 'zlibVersion', '1.3'])
    assert.equal(refused.status, 1)
    assert.match(
      refused.stderr,
      /^error\[RELEASE_EXISTS\]: HEP\/1\.0 exists for \S+ with other contents: hello, zlib\nhint: .*--replace/m,
    )
    assert.deepEqual(scene.json<Shown>('release', 'show', 'HEP/1.0'), before)

    scene.describe('HEP/1.1', DESCRIPTION)
    scene.good('release', 'create', 'HEP/1.1', '-c', TAG, '--argstr', 'zlibVersion', '1.3')
    const diff = scene.run(['release', 'diff', 'HEP/1.0', 'HEP/1.1'])
    assert.equal(diff.status, 1)
    assert.equal(diff.stdout, `${TAG}\n  zlib: 1.2.13 → 1.3\n`)
    assert.equal(scene.run(['release', 'diff', 'HEP/1.1', 'HEP']).status, 0)
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG, '--argstr', 'zlibVersion', '1.3', '--replace')
    assert.equal(scene.run(['release', 'diff', 'HEP/1.0', 'HEP/1.1']).status, 0)
  })

  test('is found by what it holds', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', 'packages = ["hello"]\n')
    scene.describe('HEP/1.1', 'packages = ["hello"]\n')
    scene.describe('Zip/1.0', 'packages = ["zlib"]\n')
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG)
    scene.good('release', 'create', 'HEP/1.1', '-c', TAG, '--argstr', 'zlibVersion', '1.3')
    scene.good('release', 'create', 'Zip/1.0', '-c', OTHER_TAG)
    const affected = (condition: string) =>
      scene
        .json<{ affected: { name: string; version: string; platform: string; packages: string[] }[] }>(
          'release',
          'affected',
          condition,
        )
        .affected.map(
          (one) => `${one.name}/${one.version} ${one.platform} ${one.packages[0]?.replace(/.*\/\w{32}-/, '')}`,
        )
    // zlib is no package of HEP: it is what hello needs.
    const old = [`HEP/1.0 ${TAG} zlib-1.2.13`, `Zip/1.0 ${OTHER_TAG} zlib-1.2.13`]
    assert.deepEqual(affected('zlib < 1.3'), old)
    assert.equal(affected('ZLIB').length, 3)
    assert.deepEqual(affected('zlib >= 1.3'), [`HEP/1.1 ${TAG} zlib-1.3`])
    assert.deepEqual(affected('hello < 2'), [])
    assert.match(scene.good('release', 'affected', 'zlib', '<', '1.3'), /^HEP\/1\.0 +\S+ +zlib-1\.2\.13\nZip\/1\.0 /)
    assert.match(scene.run(['release', 'affected', 'zlib <']).stderr, /^error\[CONDITION_SYNTAX\]/)
    scene.good('release', 'remove', 'HEP/1.0')
    assert.deepEqual(affected('zlib < 1.3'), old.slice(1))
  })

  test('made by two at once has the platforms of both', async (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', DESCRIPTION)
    const ends = await Promise.all([TAG, OTHER_TAG].map((tag) => scene.away('release', 'create', 'HEP/1.0', '-c', tag)))
    for (const { status, stderr } of ends) assert.equal(status, 0, stderr)
    assert.match(scene.good('release', 'list'), new RegExp(`^HEP/1\\.0 +${OTHER_TAG} ${TAG}$`))
  })

  test('wrong names, descriptions and packages say what is near', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', 'packages = ["zlib"]\nplatforms = ["x86_64-test1-gcc12-opt"]\n')
    scene.good('release', 'create', 'HEP/1.0')
    scene.describe('bad/syntax', 'packages = ["zlib"\n[variables\n')
    scene.describe('bad/key', 'pakages = ["zlib"]\n')
    scene.describe('bad/variable', 'packages = ["zlib"]\n[variables]\n"a b" = "x"\n')
    scene.describe('bad/list', 'packages = ["zlib"]\n[variables]\nA = { append = "/a", seperator = ";" }\n')
    scene.describe('bad/package', 'packages = ["zlip"]\n')
    scene.describe('bad/tag', 'packages = ["zlib"]\nplatforms = ["x86_64-opt"]\n')
    scene.describe('bad/clash', 'packages = ["hello", "clash"]\n')
    scene.describe('bad/build', 'packages = ["fails"]\n')
    scene.describe('bad/task', 'packages = ["hello"]\n[tasks]\nhello = "ls"\n')
    const cases: readonly [words: string, status: number, stderr: RegExp][] = [
      ['create HEP', 1, /^error\[RELEASE_NAME\]/m],
      ['create nix/1', 1, /^error\[RELEASE_NAME\]/m],
      ['create HEP/1.1', 1, /^error\[RELEASE_UNKNOWN\]: .*HEP\/1\.1\.toml\nhint: did you mean HEP\/1\.0/m],
      ['create bad/syntax', 1, /^error\[RELEASE_SYNTAX\]: .*syntax\.toml:2:\d+: [\s\S]*^2:/m],
      ['create bad/key', 1, /^error\[RELEASE_SYNTAX\]: .*unknown key 'pakages'\nhint: did you mean 'packages'/m],
      [
        'create bad/variable',
        1,
        /^error\[RELEASE_SYNTAX\]: .*variable\.toml:3:1: 'a b' cannot be a name in 'variables'/m,
      ],
      [
        'create bad/list',
        1,
        /^error\[RELEASE_SYNTAX\]: .*list\.toml:3:22: unknown key 'seperator' in 'variables\.A'\nhint: .*'separator'/m,
      ],
      ['create bad/package', 1, /^error\[PACKAGE_UNKNOWN\]: .*'zlip'\nhint: did you mean zlib/m],
      ['create bad/tag', 1, /^error\[PLATFORM_SYNTAX\]/m],
      ['create bad/clash', 1, /^error\[VIEW_CONFLICT\]: [\s\S]*bin\/hello[\s\S]*-hello-2\.0\/bin[\s\S]*-clash-1\/bin/m],
      ['create bad/task', 1, /^error\[VIEW_CONFLICT\]/m],
      ['create bad/build', 100, /^error\[BUILD_FAILED\]/m],
      ['show HEPP', 1, /^error\[RELEASE_UNKNOWN\]: .*'HEPP'\nhint: did you mean HEP/m],
      ['show HEP/2', 1, /^error\[RELEASE_UNKNOWN\]: .*\nhint: did you mean HEP\/1\.0/m],
      [
        'show HEP -c x86_64-test1-gcc13-opt',
        1,
        /^error\[PLATFORM_UNKNOWN\]: .*\nhint: did you mean x86_64-test1-gcc12-opt/m,
      ],
      ['remove HEP', 1, /^error\[RELEASE_NAME\]/m],
      ['list nonesuch', 1, /^error\[RELEASE_UNKNOWN\]/m],
      ['shwo HEP', 2, /did you mean 'baryon release show'/],
    ]
    for (const [words, status, stderr] of cases) {
      const result = scene.run(['release', ...words.split(' ')])
      assert.equal(result.status, status, `${words}: ${result.stderr}`)
      assert.match(result.stderr, stderr)
    }
    assert.match(scene.good('release', 'list'), /^HEP\/1\.0 +\S+$/)
    // The smaller priority number wins.
    scene.describe('good/clash', 'packages = ["hello", "clash"]\n[priorities]\nclash = 4\n')
    const { platforms } = scene.json<Created>('release', 'create', 'good/clash', '-c', TAG)
    assert.match(readlinkSync(join(physical(scene, platforms[0]!.view), 'bin/hello')), /-clash-1\/bin\/hello$/)
  })

  test('names are completed', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', 'packages = ["zlib"]\n')
    scene.describe('HEP/1.1', 'packages = ["zlib"]\n')
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG)
    assert.equal(scene.good('__complete', 'release', 'create', ''), 'HEP/1.1\nHEP/1.0')
    assert.equal(scene.good('__complete', 'release', 'show', 'H'), 'HEP/1.0')
    assert.match(scene.good('release', 'create', '--help'), /releases\/NAME\/VERSION\.toml/)
  })

  test('a link that was tampered with is no release', (t) => {
    const scene = releaseScene(t, STORE)
    scene.describe('HEP/1.0', 'packages = ["zlib"]\n')
    const { index } = scene.json<Created>('release', 'create', 'HEP/1.0', '-c', TAG)
    const root = join(scene.root, '/cvmfs/hep.example.org/nix/var/nix/gcroots/releases/HEP')
    assert.equal(lstatSync(join(root, '1.0')).isSymbolicLink(), true)
    assert.equal(readlinkSync(join(root, '1.0')), index)
    writeFileSync(join(root, 'a file'), '')
    assert.match(scene.good('release', 'list'), /^HEP\/1\.0 +\S+$/)
  })
})

function physical(scene: ReleaseScene, path: string): string {
  return join(scene.root, path)
}
