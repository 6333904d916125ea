/**
 * `baryon run` and its sisters on a machine without the packages: from a mount of the repository that has them, by copying where
 * nothing can be mounted, and in place where CVMFS is. As a user that is not root.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fuseDevice } from '@baryon/testing'
import { publishedScene as createScene, STORE } from './published-scene.ts'
import { baryon, NAME } from './repository-scene.ts'

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
