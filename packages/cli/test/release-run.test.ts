/** `baryon run` of releases, with the forms and the statuses of lb-run: from the store, from a mount, from a repository. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listTiers } from '@baryon/environment'
import { type Cleanup, fuseDevice, isOnPath } from '@baryon/testing'
import { OTHER_TAG, type ReleaseScene, releaseScene, TAG } from './release-scene.ts'

const NAME = 'hep.example.org'
const STORE = `/cvmfs/${NAME}/nix/store`
const BEYOND = 'x86_64+nonesuch-test1-gcc12-opt'
const DESCRIPTION = `
packages = ["hello"]
program = "hello"
platforms = ["${TAG}", "${OTHER_TAG}"]
[tasks]
demo = "hello --events 10"
[variables]
HARD = "it's $(id) \`id\`"
`
const tiers = [...listTiers('auto')].filter((one) => one.works)

describe('a release of the store', { skip: tiers.length === 0 ? 'no way to show a store works here' : false }, () => {
  let scene: ReleaseScene
  // The context of a hook does not end with the suite.
  const works: (() => void | Promise<void>)[] = []
  before(() => {
    scene = createScene({ after: (work) => works.push(work) })
  })
  after(async () => {
    for (const work of works) await work()
  })

  test('is run in its newest version on the best platform, or as it is said', () => {
    const plain = scene.run(['run', 'HEP', 'demo', 'a b', '--', '-x'])
    assert.equal(plain.stdout, `hello 2.0 ${TAG}\n<--events>\n<10>\n<a b>\n<-->\n<-x>\n`, plain.stderr)
    assert.equal(scene.good('run', 'hep/1.10', '--', 'printenv', 'BARYON_RELEASE', 'HARD'), "HEP/1.10\nit's $(id) `id`")
    assert.equal(scene.good('run', 'HEP', 'printenv', 'BARYON_RELEASE'), 'HEP/1.10')
    assert.equal(scene.good('run', 'HEP/1.9', 'printenv', 'BARYON_RELEASE'), 'HEP/1.9')
    assert.equal(scene.good('run', 'A=b c', 'HEP', 'printenv', 'A'), 'b c')
    assert.equal(scene.good('run', '-c', OTHER_TAG.toUpperCase(), 'HEP'), `hello 2.0 ${OTHER_TAG}`)
    const environment = { BINARY_TAG: OTHER_TAG }
    assert.equal(scene.run(['run', 'HEP'], { environment }).stdout, `hello 2.0 ${OTHER_TAG}\n`)
    const best = scene.run(['run', '-c', 'best', 'HEP'], { environment })
    assert.equal(best.stdout, `hello 2.0 ${TAG}\n`)
    assert.equal(best.stderr, `Decided best platform to use is ${TAG}\n`)
    assert.equal(scene.run(['run', 'HEP', 'sh', '-c', 'exit 9']).status, 9)
    assert.equal(scene.run(['run', 'HEP', 'nonesuch']).status, 127)
    scene.good('run', '--record', '../record.json', 'HEP/1.9', '--', 'demo')
    assert.match(scene.run(['run', '--replay', '../record.json']).stderr, /^replayed: status 0 /m)
    // Inside, the platform is the same one.
    const nested = scene.run(['run', '-c', OTHER_TAG, 'HEP', 'printenv', 'BINARY_TAG', 'CMTCONFIG'])
    assert.equal(nested.stdout, `${OTHER_TAG}\n${OTHER_TAG}\n`)
    assert.match(scene.good('shell', 'HEP/1.9', '--command', 'hello; printenv BARYON_RELEASE'), /^hello.*\nHEP\/1\.9$/)
  })

  test('is listed as lb-run lists', () => {
    scene.good('release', 'create', 'HEP/1.9', '-c', BEYOND)
    const list = scene.good('run', '--list', 'hep').split('\n')
    assert.equal(list.length, 2)
    const parsed = list.map((line) => /^(\S+)\s+in\b (\S+): (.*)$/.exec(line)!.slice(1))
    assert.deepEqual(
      parsed.map(([version, , tags]) => [version, tags]),
      [
        ['1.10', `${TAG} ${OTHER_TAG}`],
        ['1.9', `${BEYOND} ${TAG} ${OTHER_TAG}`],
      ],
    )
    assert.deepEqual(readdirSync(parsed[0]![1]!).sort(), [OTHER_TAG, TAG])
    assert.match(scene.good('run', '--list', '-c', BEYOND, 'HEP'), /^1\.9 in \S+: /)
    assert.equal(scene.good('run', '--list-platforms', 'HEP/1.9'), `${BEYOND}\n${TAG}\n${OTHER_TAG}`)
    assert.equal(scene.good('run', '-L', 'HEP'), `${TAG}\n${OTHER_TAG}`)
    for (const words of [
      ['--list', 'nope'],
      ['-L', 'HEP/7'],
    ]) {
      const { status, stdout, stderr } = scene.run(['run', ...words])
      assert.deepEqual([status, stdout], [0, ''])
      assert.match(stderr, new RegExp(`^could not find ${words[1]} in /`))
    }
    // Nothing that this machine cannot run is the best, and only force runs it.
    assert.equal(scene.good('run', 'HEP/1.9'), `hello 2.0 ${TAG}`)
    const forced = scene.run(['run', '-c', BEYOND, '--force-platform', 'HEP/1.9'])
    assert.equal(forced.stdout, `hello 2.0 ${BEYOND}\n`)
    assert.match(forced.stderr, /^warning: current host does not support platform /)
    const cases: readonly [words: string[], status: number, stderr: RegExp][] = [
      [
        ['-c', BEYOND, 'HEP/1.9'],
        66,
        /^error\[PLATFORM_UNSUPPORTED\]: current host does not support platform x86_64\+none/,
      ],
      [
        ['-c', TAG.replace('12', '13'), 'HEP'],
        64,
        /^error\[PLATFORM_UNKNOWN\]: cannot find project HEP 1\.10 for .*\nhint: did you mean/,
      ],
      [['HEP/2.0'], 64, /^error\[VERSION_UNKNOWN\]: cannot find project HEP 2\.0\nhint: .*1\.10/],
      [['HEPP'], 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: did you mean the release HEP\?/],
      [['New/1.0'], 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: .*baryon release create New\/1\.0/],
      [['--list', '-L', 'HEP'], 2, /^error\[USAGE\]/],
    ]
    for (const [words, status, stderr] of cases) {
      const result = scene.run(['run', ...words])
      assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
      assert.match(result.stderr, stderr)
    }
    scene.describe('Beyond/1.0', `packages = ["zlib"]\nprogram = "zlib"\nplatforms = ["${BEYOND}"]\n`)
    scene.good('release', 'create', 'Beyond/1.0')
    const none = scene.run(['run', 'Beyond'])
    assert.equal(none.status, 64)
    assert.match(none.stderr, /current host does not support any of Beyond\/1\.0 available platforms\nhint: .*nonesuch/)
  })

  test('without a program shows its variables, and packages go on as before', () => {
    scene.describe('Bare/1.0', 'packages = ["zlib"]\n')
    scene.good('release', 'create', 'Bare/1.0', '-c', TAG)
    const lines = scene.good('run', 'Bare').split('\n')
    assert.ok(lines.includes('BARYON_RELEASE=Bare/1.0'))
    assert.deepEqual([...lines].sort(), lines)
    assert.equal(scene.good('run', 'zlib'), `zlib 1.2.13 ${TAG}`)
    const best = scene.run(['run', '-c', 'best', 'zlib'])
    assert.equal(best.stderr, `Decided best platform to use is ${TAG}\n`)
  })

  test('is started without Node the second time, and never a former one', {
    skip: isOnPath('strace') ? false : 'no strace',
  }, () => {
    const check = (shown: string) => {
      const { first, second } = scene.twice(['run', 'HEP', 'printenv', 'BARYON_RELEASE'])
      assert.deepEqual([first.usesNode, first.stdout], [true, shown])
      assert.deepEqual([second.usesNode, second.stdout], [false, shown])
    }
    check('HEP/1.10\n')
    scene.describe('HEP/2.0', DESCRIPTION)
    scene.good('release', 'create', 'HEP/2.0', '-c', TAG)
    check('HEP/2.0\n')
    scene.good('release', 'remove', 'HEP/2.0')
    check('HEP/1.10\n')
    // A package whose name a release takes.
    assert.equal(scene.good('run', 'zlib'), `zlib 1.2.13 ${TAG}`)
    scene.describe('zlib/1.0', DESCRIPTION)
    scene.good('release', 'create', 'zlib/1.0', '-c', TAG)
    assert.equal(scene.good('run', 'zlib'), `hello 2.0 ${TAG}`)
  })
})

const device = fuseDevice()
const closedDevice = fuseDevice('600')

describe('a published release', { skip: device.skip || closedDevice.skip }, () => {
  test('runs on a node that has nothing of it', (t) => {
    const scene = releaseScene(t, STORE, device.words)
    scene.describe('HEP/1.9', DESCRIPTION)
    scene.good('repository', 'create', NAME, '--dir', '../repository')
    scene.good('release', 'create', 'HEP/1.9')
    scene.good('repository', 'publish', '../repository', 'HEP/1.9')
    const environment = {
      BARYON_ROOT: join(scene.directory, 'node'),
      BARYON_REPOSITORY: join(scene.directory, 'repository'),
    }
    const run = (...words: readonly string[]) => scene.run(['run', ...words], { environment })
    const first = run('HEP/1.9', 'demo')
    assert.equal(first.stdout, `hello 2.0 ${TAG}\n<--events>\n<10>\n`, first.stderr)
    assert.equal(run('hep', 'printenv', 'BINARY_TAG').stdout, `${TAG}\n`)
    assert.equal(run('--list', 'HEP').stdout, `1.9 in /cvmfs/${NAME}/HEP/1.9: ${TAG} ${OTHER_TAG}\n`)
    assert.equal(run('-L', 'HEP').stdout, `${TAG}\n${OTHER_TAG}\n`)
    assert.equal(run('HEP/2').status, 64)
    const paths = join(environment.BARYON_ROOT, STORE)
    const copied = () => (existsSync(paths) ? readdirSync(paths) : []).filter((name) => name.includes('-HEP-'))
    assert.deepEqual(copied(), [])

    // Where nothing can be mounted it is copied.
    const [program, ...before] = closedDevice.words
    const words = [...before, scene.baryon, 'run', 'HEP']
    const env = { ...scene.environment, ...environment }
    const alone =
      program === undefined ? undefined : spawnSync(program, words, { cwd: scene.project, encoding: 'utf8', env })
    if (alone === undefined) return
    assert.equal(alone.stdout, `hello 2.0 ${TAG}\n`, alone.stderr)
    assert.match(alone.stderr, /copying from hep\.example\.org instead of mounting it/)
    assert.equal(copied().length > 0, true)
  })
})

function createScene(t: Cleanup): ReleaseScene {
  const scene = releaseScene(t, STORE)
  scene.describe('HEP/1.9', DESCRIPTION)
  scene.describe('HEP/1.10', DESCRIPTION)
  scene.describe('New/1.0', DESCRIPTION)
  scene.good('release', 'create', 'HEP/1.9')
  scene.good('release', 'create', 'HEP/1.10')
  return scene
}
