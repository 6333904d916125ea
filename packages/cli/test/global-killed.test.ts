/** Installations and updates of tools that are killed where they change something. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { asideIn } from '../src/global/wrapper-files.ts'
import { noStrace, noTier, type ToolScene, toolScene } from './global-scene.ts'
import { TAG } from './release-scene.ts'

describe('a tool whose installation or update was killed', { skip: noTier || noStrace }, () => {
  let scene: ToolScene
  let bin: string
  let start: ToolScene['start']
  const works: (() => void | Promise<void>)[] = []
  const recipe = () => join(scene.project, 'default.nix')
  let former: string
  let aside: string
  let oldRoot: string
  const roots = () => join(scene.root, '/cvmfs/hep.example.org/nix/var/nix/gcroots/baryon-global/other')
  before(() => {
    scene = toolScene({ after: (work) => works.push(work) })
    bin = scene.bin
    start = scene.start
    scene.good('global', 'install', 'demo')
    scene.good('global', 'install', 'other')
    oldRoot = join(roots(), readdirSync(roots())[0]!)
    aside = asideIn(bin, join(scene.root, 'global'))
    scene.good('global', 'remove', 'other')
    former = readFileSync(recipe(), 'utf8')
  })
  after(async () => {
    for (const work of works) await work()
  })
  /** Killed at the call that concerns the path; then nothing is broken, and the collector leaves it so. */
  const kill = (words: readonly string[], call: string, path: string, versions: RegExp): void => {
    const inject = ['-P', path, '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=1`]
    const log = join(scene.directory, 'calls')
    const killed = scene.call('strace', ['-f', '-o', log, ...inject, scene.baryon, 'global', ...words])
    assert.ok(killed.status === 137 || killed.status === null, `${call} ${path}: ${killed.status} ${killed.stderr}`)
    scene.good('store', 'gc')
    for (const name of readdirSync(bin).filter((one) => one.startsWith('other'))) {
      assert.match(start(name).stdout, versions, `${call} ${path}`)
    }
  }
  const isWhole = (programs: readonly string[], output: string): void => {
    assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-config', ...programs])
    for (const name of programs) assert.equal(start(name).stdout, `${name} ${output} ${TAG}\n\n`)
    assert.equal(readdirSync(roots()).length, 1)
    assert.match(scene.good('global', 'list'), new RegExp(`^other .* ${programs.join(' ')}$`, 'm'))
  }

  for (const [index, [call, path]] of (
    [
      ['mkdir', () => roots()],
      ['mkdir', () => join(scene.root, 'global/mount')],
      ['fsync', () => aside],
      ['link', () => join(bin, 'other')],
      ['unlink', () => aside],
    ] as const
  ).entries()) {
    test(`for the first time, at ${call} ${index}: works or is not there, and is mended by another`, () => {
      kill(['install', 'other'], call, path(), /^other 3\.1 /)
      scene.good('global', 'install', 'other')
      isWhole(['other'], '3.1')
      scene.good('global', 'remove', 'other')
      assert.deepEqual([existsSync(roots()), existsSync(aside)], [false, false])
    })
  }

  for (const [index, [call, path]] of (
    [
      ['rename', () => aside],
      ['link', () => join(bin, 'other-new')],
      ['unlink', () => join(bin, 'other-old')],
      ['unlink', () => oldRoot],
    ] as const
  ).entries()) {
    test(`to change it, at ${call} ${index}: is as it was or as it shall be, and is mended by another`, () => {
      try {
        writeFileSync(recipe(), former.replace('"3.1" "other"', '"3.1" "other other-old"'))
        scene.good('global', 'install', 'other')
        oldRoot = join(roots(), readdirSync(roots())[0]!)
        writeFileSync(recipe(), former.replace('"3.1" "other"', '"3.2" "other other-new"'))
        kill(['update', 'other'], call, path(), /^other\S* 3\.[12] /)
        scene.good('global', 'update', 'other')
        isWhole(['other', 'other-new'], '3.2')
      } finally {
        writeFileSync(recipe(), former)
      }
      scene.good('global', 'remove', 'other')
    })
  }
})
