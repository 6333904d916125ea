/** The link that `baryon build` makes: it can be followed on a host without the logical path, and it is a root for both. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isOnPath } from '@baryon/testing'
import { assertOk, createScene, derivation, storeDirectory } from './bad-input-scene.ts'

describe('a link to a result', () => {
  const scene = createScene({ after })
  const link = join(scene.user.home, 'result')
  const state = join(scene.physical, '../var/nix')
  const names = () => readdirSync(scene.physical).filter((name) => name.endsWith('-linked'))
  // Without the store directory, so that it must be found out from the link.
  const anywhere = { environment: { BARYON_STORE_DIR: undefined } }

  test('leads to the files, and is understood by every command', () => {
    const expression = derivation('linked', 'echo text > $out')
    const output = assertOk(scene.run(['build', '--expr', expression]))
    assert.equal(readlinkSync(link), scene.root + output)
    assert.equal(readFileSync(link, 'utf8'), 'text\n')
    assert.equal(assertOk(scene.run(['store', 'cat', './result'], anywhere)), 'text')
    assert.match(assertOk(scene.run(['store', 'path-info', './result', '--json'], anywhere)), new RegExp(output))
    assert.equal(assertOk(scene.run(['build', '--expr', expression])), output)
    assert.match(assertOk(scene.run(['store', 'roots'])), /home\/result/)
  })
  test('keeps the path from our collection', () => {
    assertOk(scene.run(['store', 'gc']))
    assert.equal(readFileSync(link, 'utf8'), 'text\n')
  })
  test('keeps the path from the collection of Nix', {
    skip: isOnPath('nix-store') ? false : 'nix-store is not installed',
  }, () => {
    const remote = `local?store=${storeDirectory}&real=${scene.physical}&state=${state}&log=${state}/../log/nix`
    const environment = { NIX_REMOTE: remote, NIX_STORE_DIR: storeDirectory, NIX_STATE_DIR: state }
    const collected = scene.user.run('nix-store', ['--gc'], { environment })
    assert.equal(collected.status, 0, collected.stderr)
    assert.equal(names().length, 1)
  })
  test('no longer does so when it is gone', () => {
    rmSync(link)
    assertOk(scene.run(['store', 'gc']))
    assert.deepEqual(names(), [])
    assert.deepEqual(readdirSync(join(state, 'gcroots/physical')), [])
    scene.assertClean()
  })
})
