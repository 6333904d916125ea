/** Store paths that were published before: attached from what the store keeps of them, not compressed again. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NAME, repositoryScene, type Scene } from './repository-scene.ts'

interface Published {
  readonly attached: number
  readonly catalogs: number
  readonly entries: number
  readonly bytes: number
  readonly newObjects: number
}

test('store paths are attached after a rollback, after a removal and in a second repository, not after gc', (t) => {
  const scene = repositoryScene(t)
  const { good } = scene
  const paths = ['base', 'top'].map((name) => {
    mkdirSync(join(scene.directory, name, 'bin'), { recursive: true })
    const line = (file: number) => `line ${file} of ${name}\n`
    for (let file = 0; file < 10; file++) {
      writeFileSync(join(scene.directory, name, `bin/tool-${file}`), line(file).repeat(5000))
    }
    return good('store', 'add', join(scene.directory, name))
  })
  good('repository', 'create', NAME, '--dir', 'origin')
  const publish = (repository = 'origin', ...words: string[]): Published =>
    JSON.parse(good('repository', 'publish', repository, ...paths, '--json', ...words))
  const first = publish()
  assert.equal(first.attached, 0)
  assert.ok(first.bytes > 1e6, `${first.bytes}`)
  const listed = list(scene, 'origin')
  const attached = (repository?: string): Published => {
    const result = publish(repository)
    assert.deepEqual([result.attached, result.entries], [2, first.entries])
    // Catalogs of the root and of the store directory, the history: nothing of the paths.
    assert.ok(result.bytes < 300_000, `${result.bytes} bytes were compressed`)
    assert.deepEqual(list(scene, repository ?? 'origin'), listed)
    assert.match(good('repository', 'check', repository ?? 'origin', '--tags'), /: no problems$/)
    return result
  }
  good('repository', 'rollback', 'origin')
  // The store directory, at first empty, and the root.
  assert.equal(attached().catalogs, 3)
  assert.equal(publish().catalogs, 0)

  // A second repository of this name.
  good('repository', 'create', NAME, '--dir', 'second', '--keys', 'origin.keys')
  const words = ['--keys', 'origin.keys']
  const copied = publish('second', ...words)
  assert.equal(copied.attached, 2)
  assert.ok(copied.newObjects > 10 && copied.bytes < 300_000, JSON.stringify(copied))
  assert.match(good('repository', 'check', 'second', ...words), /: no problems$/)
  rmSync(join(scene.directory, 'second'), { recursive: true })

  const removed = paths.flatMap((path) => ['--remove', path.slice(`/cvmfs/${NAME}`.length)])
  good('repository', 'publish', 'origin', ...removed)
  good('repository', 'publish', 'origin', '--tree', join(scene.directory, 'home'), '--at', '/other')
  assert.match(good('repository', 'gc', 'origin'), /removed \d revisions?, [1-9]\d+ objects/)
  const collected = publish()
  assert.equal(collected.attached, 0)
  assert.ok(collected.bytes > 1e6)
  assert.match(good('repository', 'check', 'origin', '--tags'), /: no problems$/)
  good('repository', 'publish', 'origin', ...removed)
  assert.match(good('repository', 'publish', 'origin', ...paths), /2 catalogs and 2 from before in/)
  assert.match(good('repository', 'check', 'origin', '--tags'), /: no problems$/)

  const kept = join(scene.environment.BARYON_ROOT!, `cvmfs/${NAME}/nix/var/baryon/published`)
  assert.equal(statSync(kept).mode & 0o777, 0o700)
  assert.equal(readdirSync(kept).length, 2)
})

function list({ good }: Scene, repository: string): string {
  return good('repository', 'list', repository, '-R', '/nix/store')
}
