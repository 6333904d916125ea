/**
 * `baryon run` and its sisters on a machine without the packages: from a mount of the repository that has them, by copying where
 * nothing can be mounted, and in place where CVMFS is. As a user that is not root.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fuseDevice, ordinaryUser } from '@baryon/testing'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
const NAME = 'hep.example.org'
const STORE = `/cvmfs/${NAME}/nix/store`
const device = fuseDevice()
const closedDevice = fuseDevice('600')

describe('what is published', { skip: device.skip || closedDevice.skip }, () => {
  test('runs from a mount, with nothing built and nothing copied', (t) => {
    const scene = createScene(t)
    const { stdout, stderr } = scene.run(
      device.words,
      'run',
      '--repository',
      scene.repository,
      'hello',
      '--',
      'hello',
      'a b',
      '',
    )
    assert.equal(stdout, `hello 1\n${STORE}\n<a b>\n<>\n`, stderr)
    const status = scene.run(device.words, 'run', '--repository', scene.repository, 'hello', '--', 'sh', '-c', 'exit 7')
    assert.equal(status.status, 7)
    assert.deepEqual(scene.valid(), [])
  })

  test('the repository of baryon.toml, for all three commands', (t) => {
    const scene = createScene(t)
    scene.configure(`repository = ${JSON.stringify(scene.repository)}\nrepository-keys = ["keys/${NAME}.pub"]\n`)
    assert.match(scene.run(device.words, 'run', 'hello').stdout, /^hello 1\n/)
    assert.match(scene.run(device.words, 'exec', 'hello', 'other', '--', 'other').stdout, /^other 1\n/)
    assert.match(scene.run(device.words, 'shell', 'hello', '--command', 'hello').stdout, /^hello 1\n/)
    // Inside, another one uses the same mount.
    const nested = scene.run(device.words, 'run', 'hello', '--', baryon, 'run', 'other')
    assert.match(nested.stdout, /^other 1\n/, nested.stderr)
    assert.deepEqual(scene.valid(), [])
  })

  test('is copied where nothing can be mounted', (t) => {
    const scene = createScene(t)
    const { stdout, stderr } = scene.run(closedDevice.words, 'run', '--repository', scene.repository, 'hello')
    assert.match(stdout, /^hello 1\n/, stderr)
    assert.match(stderr, /may not open \/dev\/fuse.*: copying from hep\.example\.org instead of mounting it/)
    assert.deepEqual(scene.valid(), ['hello-1'])
  })

  test('is used in place where it is there', (t) => {
    const scene = createScene(t)
    // Anything that shows it does: here a mount that was made before.
    const words = ['repository', 'mount', scene.repository, `/cvmfs/${NAME}`, '--', baryon, 'run', 'hello']
    const { stdout, stderr } = scene.run(device.words, ...words)
    assert.match(stdout, /^hello 1\n/, stderr)
    assert.deepEqual(scene.valid(), [])
    // And no launch file of it says so where it is not.
    const alone = scene.run([], 'run', 'hello')
    assert.match(alone.stdout, /^hello 1\n/, alone.stderr)
    assert.deepEqual(scene.valid(), ['hello-1'])
  })

  test('what it does not have is built, and a server that does not answer is said', (t) => {
    const scene = createScene(t)
    const missing = scene.run(device.words, 'run', '--repository', scene.repository, 'unpublished')
    assert.match(missing.stdout, /^unpublished 1\n/, missing.stderr)
    assert.match(missing.stderr, /-unpublished-1 is not in hep\.example\.org/)
    const key = `${scene.repository}.keys/${NAME}.pub`
    const dead = ['--repository', 'http://127.0.0.1:9/cvmfs/hep.example.org', '--key', key]
    const unreachable = scene.run(device.words, 'run', ...dead, 'hello')
    assert.match(unreachable.stdout, /^hello 1\n/, unreachable.stderr)
    assert.match(unreachable.stderr, /the repository http:\/\/127\.0\.0\.1:9\S+ is not asked: /)
  })

  test('without its key, or with another one, nothing of it runs', (t) => {
    const scene = createScene(t)
    const other = join(scene.home, 'other.pub')
    writeFileSync(
      other,
      spawnSync('sh', ['-c', 'openssl genrsa 2048 2>/dev/null | openssl rsa -pubout 2>/dev/null']).stdout,
    )
    const wrong = scene.run(device.words, 'run', '--repository', scene.repository, '--key', other, 'hello')
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /^error\[CVMFS_/m)
    const web = scene.run(device.words, 'run', '--repository', 'http://127.0.0.1:9/cvmfs/x.example.org', 'hello')
    assert.match(web.stderr, /^error\[CVMFS_PUBLIC_KEY\]/m)
    assert.equal(scene.run(device.words, 'run', '--key', other, 'hello').status, 2)
    assert.deepEqual(scene.valid(), [])
  })
})

function createScene(t: TestContext) {
  const user = ordinaryUser(t)
  const { home } = user
  const project = join(home, 'my project')
  mkdirSync(join(project, 'keys'), { recursive: true })
  writeFileSync(join(project, 'default.nix'), RECIPE)
  const configure = (more: string) =>
    writeFileSync(join(project, 'baryon.toml'), `store-dir = "${STORE}"\nstack = "default.nix"\n${more}`)
  configure('')
  const start = (root: string, prefix: readonly string[], words: readonly string[]) => {
    const environment = { ...user.environment, BARYON_ROOT: join(home, root) }
    if (prefix.length === 0) return user.run(baryon, words, { cwd: project, environment })
    const [program = '', ...before] = [...prefix, baryon, ...words]
    return spawnSync(program, before, { cwd: project, encoding: 'utf8', input: '', env: environment })
  }
  const good = (...words: readonly string[]) => {
    const { status, stdout, stderr } = start('builder', [], words)
    assert.equal(status, 0, stderr)
    return stdout
  }
  const built = good('build', 'hello', 'other', '--no-link').trim().split('\n')
  const repository = join(home, 'repository')
  good('repository', 'create', NAME, '--dir', repository)
  good('repository', 'publish', repository, ...built)
  writeFileSync(join(project, `keys/${NAME}.pub`), spawnSync('cat', [`${repository}.keys/${NAME}.pub`]).stdout)
  return {
    home,
    repository,
    configure,
    run: (prefix: readonly string[], ...words: readonly string[]) => start('node', prefix, words),
    /** Names of the paths that the node has, without those that only say how something is built. */
    valid(): string[] {
      const directory = join(home, 'node', STORE)
      const names = existsSync(directory) ? readdirSync(directory) : []
      return names.map((name) => name.slice(33)).filter((name) => name !== '' && !/\.drv$|builder/.test(name))
    },
  }
}

const RECIPE = `
{ platform ? "x86_64-test1-gcc12-opt" }:
let
  script = builtins.toFile "builder.sh" ''
    mkdir -p $out/bin
    cat > $out/bin/$pname <<X
    #!/bin/sh
    echo "$pname 1"
    here="\\$(dirname "\\$0")"; here="\\$(dirname "\\$here")"
    dirname "\\$here"
    for a in "\\$@"; do echo "<\\$a>"; done
    X
    chmod +x $out/bin/$pname
  '';
  make = pname: derivation {
    name = "\${pname}-1"; inherit pname;
    system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ script ];
  } // { meta.mainProgram = pname; };
in { hello = make "hello"; other = make "other"; unpublished = make "unpublished"; }
`
