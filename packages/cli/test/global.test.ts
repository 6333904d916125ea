/** Tools in the PATH of an ordinary user: installed, started from anywhere, updated, removed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isOnPath } from '@baryon/testing'
import { noStrace, noTier, type ToolScene, toolScene } from './global-scene.ts'
import { OTHER_TAG, TAG } from './release-scene.ts'

interface Listed {
  name: string
  version: string
  platform?: string
  paths: string[]
  arePathsThere: boolean
  programs: { name: string; wrapper: string; isThere: boolean }[]
}

describe('a tool', { skip: noTier }, () => {
  let scene: ToolScene
  let bin: string
  let start: ToolScene['start']
  const works: (() => void | Promise<void>)[] = []
  before(() => {
    scene = toolScene({ after: (work) => works.push(work) })
    bin = scene.bin
    start = scene.start
  })
  after(async () => {
    for (const work of works) await work()
  })
  const list = (): Listed[] => scene.json<{ tools: Listed[] }>('global', 'list').tools
  const globalUpdate = (...words: string[]): string => scene.good('global', 'update', ...words)

  test('is in PATH, with a hint when PATH lacks it, and runs from anywhere without anything of ours', () => {
    const installed = scene.run(['global', 'install', 'demo'], { environment: { SHELL: '/usr/bin/fish' } })
    assert.equal(installed.status, 0, installed.stderr)
    assert.equal(installed.stdout, `demo 1.0 (${TAG}): demo demo-config in ${bin}\n`)
    assert.match(
      installed.stderr,
      /note: .*bin is not in PATH; add .*config\.fish:\n {2}fish_add_path '.*\/\.local\/bin'$/m,
    )
    const again = scene.run(['global', 'install', 'demo'], { environment: { PATH: `${process.env.PATH}:${bin}` } })
    assert.doesNotMatch(again.stderr, /note:/)
    const shadow = join(scene.directory, 'shadow')
    mkdirSync(shadow)
    writeFileSync(join(shadow, 'demo'), '', { mode: 0o755 })
    const hidden = scene.run(['global', 'install', 'demo'], {
      environment: { PATH: `${shadow}:${bin}:${process.env.PATH}` },
    })
    assert.match(hidden.stderr, /^note: \S*\/shadow\/demo comes before \S*\/\.local\/bin in PATH$/m)
    assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-config'])

    const odd = ['two words', "it's", '"$(id)"', 'a\nb', '', '-x', '--']
    const result = scene.call('env', ['-i', join(bin, 'demo'), ...odd], { cwd: '/' })
    assert.equal(result.stderr, '')
    assert.equal(result.stdout, `demo 1.0 ${TAG}\n${odd.map((word) => `<${word}>`).join('')}\n`)
    assert.equal(start('demo', 'exit', '7').status, 7)
    assert.equal(start('demo', 'beside', 'demo-config').stdout, `demo-config 1.0 ${TAG}\n\n`)
    const [first] = list()
    assert.deepEqual(
      { ...first!, paths: 0, programs: first!.programs.map(({ name, isThere }) => [name, isThere]) } as object,
      {
        ...first!,
        name: 'demo',
        version: '1.0',
        platform: TAG,
        arePathsThere: true,
        paths: 0,
        programs: [
          ['demo', true],
          ['demo-config', true],
        ],
      },
    )
  })

  test('is one process, which signals reach', async () => {
    const died = start('demo', 'die')
    assert.ok(died.status === null || died.status === 143, JSON.stringify(died))
    const child = spawn('setpriv', [...asUser(), join(bin, 'demo'), 'wait'], {
      env: {},
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    const [status] = (await once(child, 'close')) as [number | null]
    assert.deepEqual([said, status], ['ready\nended\n', 5])
  })

  test('starts no Node, and needs none', { skip: noStrace }, () => {
    const log = join(scene.directory, 'execve')
    const traced = scene.call('strace', ['-f', '-e', 'trace=execve', '-o', log, 'env', '-i', join(bin, 'demo')])
    assert.equal(traced.stdout, `demo 1.0 ${TAG}\n\n`, traced.stderr)
    const programs = [...readFileSync(log, 'utf8').matchAll(/execve\("([^"]*)".* = 0$/gm)].map(([, file]) => file!)
    assert.ok(programs.length > 1 && programs.every((file) => !/node|baryon$/.test(file)), programs.join(' '))
  })

  test('is kept by the collector until it is removed, and made again when it was lost', () => {
    scene.good('global', 'install', 'other')
    const [path] = list().find(({ name }) => name === 'other')!.paths
    scene.good('store', 'gc')
    assert.equal(start('other').stdout, `other 3.1 ${TAG}\n\n`)
    assert.match(scene.good('store', 'roots'), /gcroots\/baryon-global\/other\//)

    // Somebody takes the root away.
    rmSync(join(scene.root, '/cvmfs/hep.example.org/nix/var/nix/gcroots/baryon-global/other'), { recursive: true })
    scene.good('store', 'gc')
    const lost = start('other', 'x')
    assert.deepEqual([lost.status, lost.stdout], [1, ''])
    assert.equal(
      lost.stderr,
      `error[GLOBAL_LOST]: other 3.1 is installed, but ${path} is not there any more\nhint: baryon global update other\n`,
    )
    assert.match(
      scene.good('global', 'list'),
      /^other +3\.1 .* other {2}its files are gone: baryon global update other$/m,
    )
    assert.equal(globalUpdate('other'), 'other 3.1 is as it was')
    assert.equal(start('other').stdout, `other 3.1 ${TAG}\n\n`)

    scene.good('global', 'remove', 'other')
    assert.equal(existsSync(join(bin, 'other')), false)
    assert.doesNotMatch(scene.good('store', 'roots'), /baryon-global\/other/)
    scene.good('store', 'gc')
    assert.equal(existsSync(join(scene.root, path!)), false)
    assert.equal(start('demo').stdout, `demo 1.0 ${TAG}\n\n`)
  })

  test('never takes the place of a file of somebody else, and of another tool only when told', () => {
    const other = join(bin, 'other')
    const occupy: readonly (readonly [string, () => void])[] = [
      ['a file', () => writeFileSync(other, '#!/bin/sh\necho mine\n', { mode: 0o755 })],
      ['a link to a wrapper', () => symlinkSync('demo', other)],
      ['a broken link', () => symlinkSync('nowhere', other)],
      ['a directory', () => mkdirSync(other)],
    ]
    for (const [what, make] of occupy) {
      make()
      const before = lstatSync(other)
      for (const force of [[], ['--force']]) {
        const result = scene.run(['global', 'install', 'other', ...force])
        assert.equal(result.status, 1, what)
        assert.match(
          result.stderr,
          /error\[GLOBAL_CONFLICT\]: .*\/bin\/other is there, and was not made by baryon global\nhint: /,
        )
      }
      assert.deepEqual([lstatSync(other).ino, lstatSync(other).mtimeMs], [before.ino, before.mtimeMs], what)
      rmSync(other, { recursive: true })
    }
    assert.equal(list().length, 1)

    const refused = scene.run(['global', 'install', 'rival'])
    assert.match(
      refused.stderr,
      /error\[GLOBAL_CONFLICT\]: .*\/bin\/demo belongs to the tool demo 1\.0\nhint: --force takes it over; .*baryon global remove demo/,
    )
    assert.equal(start('demo').stdout, `demo 1.0 ${TAG}\n\n`)
    const both = scene.run(['global', 'install', 'rival', 'demo', '--bin-dir', join(scene.directory, 'both')])
    assert.match(both.stderr, /error\[GLOBAL_CONFLICT\]: .*\/both\/demo would be of rival and of demo\n/)
    assert.equal(existsSync(join(scene.directory, 'both')), false)

    scene.good('global', 'install', 'rival', '--force')
    assert.equal(start('demo').stdout, `rival 9 ${TAG}\n\n`)
    assert.match(scene.good('global', 'list'), new RegExp(`^demo +1\\.0 +${TAG} +demo-config$`, 'm'))
    // Its loser is updated around it, and gets it back when it is free.
    assert.match(
      scene.run(['global', 'update', 'demo']).stderr,
      /note: .*\/bin\/demo belongs to the tool rival 9: left out/,
    )
    assert.equal(start('demo').stdout, `rival 9 ${TAG}\n\n`)
    writeFileSync(join(bin, 'rival'), 'changed by hand')
    const removed = scene.run(['global', 'remove', 'rival'])
    assert.match(removed.stderr, /note: .*\/bin\/rival stays: it is not from here any more/)
    assert.equal(readFileSync(join(bin, 'rival'), 'utf8'), 'changed by hand')
    rmSync(join(bin, 'rival'))
    assert.equal(existsSync(join(bin, 'demo')), false)
    globalUpdate('demo')
    assert.equal(start('demo').stdout, `demo 1.0 ${TAG}\n\n`)
  })

  test('with programs of odd names has those that can be typed, and none is evaluated', () => {
    const result = scene.run(['global', 'install', 'odd'])
    assert.equal(result.status, 0, result.stderr)
    const names = ['two words', "it's $(touch pwned)`id`", '-dash', 'alias', 'ümlaut']
    assert.deepEqual(
      list()
        .find(({ name }) => name === 'odd')!
        .programs.map(({ name }) => name)
        .sort(),
      names.sort(),
    )
    assert.match(result.stderr, /note: odd: "new\\nline" is left out, for its name/)
    for (const name of names) {
      const { stdout, stderr } = start(name, 'a b')
      assert.deepEqual([stdout, stderr], ['odd\n<a b>\n', ''], name)
    }
    assert.equal(existsSync(join(scene.project, 'pwned')) || existsSync(join(bin, 'pwned')), false)
    const named = scene.run(['global', 'install', 'odd', '--expose', 'new\nline'])
    assert.match(named.stderr, /^error\[PROGRAM_NAME\]: "new\\nline" of odd/m)
    scene.good('global', 'install', 'odd', '--expose', '.hidden', '--expose', 'alias')
    assert.equal(start('.hidden').stdout, 'odd\n\n')
    assert.deepEqual(readdirSync(bin).sort(), ['.hidden', 'alias', 'demo', 'demo-config'])
    scene.good('global', 'remove', 'odd')
    assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-config'])
  })

  test('is updated from its own stack, whatever the directory and the variables are', () => {
    const recipe = join(scene.project, 'default.nix')
    const former = readFileSync(recipe, 'utf8')
    scene.good('global', 'install', '-c', OTHER_TAG, 'other')
    scene.good('global', 'install', 'pinned/1')
    try {
      writeFileSync(
        recipe,
        former.replace('"1.0" "demo demo-config"', '"1.1" "demo demo-new"').replace('"pinned" "1"', '"pinned" "2"'),
      )
      const elsewhere = { cwd: '/', environment: { BINARY_TAG: 'x86_64-nonesuch1-gcc1-opt' } }
      const result = scene.run(['global', 'update'], elsewhere)
      assert.equal(result.status, 1, result.stderr)
      assert.equal(result.stdout, 'demo 1.0 → 1.1\nother 3.1 is as it was\n')
      assert.match(
        result.stderr,
        /^pinned 1 stays as it is:\nerror\[VERSION_UNKNOWN\]: pinned has no version 1 in this stack, but 2$/m,
      )
      assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-new', 'other', 'pinned'])
      assert.equal(start('demo').stdout, `demo 1.1 ${TAG}\n\n`)
      assert.equal(start('other').stdout, `other 3.1 ${OTHER_TAG}\n\n`)
      assert.equal(start('pinned').stdout, `pinned 1 ${TAG}\n\n`)
      // One root each: what was before may go.
      assert.equal(scene.good('store', 'roots').match(/baryon-global\/demo\//g)!.length, 1)
    } finally {
      writeFileSync(recipe, former)
    }
    assert.equal(globalUpdate('demo'), 'demo 1.1 → 1.0')
    assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-config', 'other', 'pinned'])
    const moved = join(scene.directory, 'my bin')
    scene.good('global', 'install', 'other', '--bin-dir', moved)
    assert.deepEqual(readdirSync(moved), ['other'])
    assert.equal(existsSync(join(bin, 'other')), false)
    scene.good('global', 'remove', 'other', 'pinned')
    assert.deepEqual(readdirSync(moved), [])
  })

  test('has other packages beside it, and does not see what others have', () => {
    scene.good('global', 'install', 'other', '--with', 'pinned')
    assert.equal(start('other', 'beside', 'pinned').stdout, `pinned 1 ${TAG}\n\n`)
    assert.equal(start('demo', 'beside', 'pinned').status, 127)
    assert.equal(existsSync(join(bin, 'pinned')), false)
    globalUpdate('other')
    assert.equal(start('other', 'beside', 'pinned').stdout, `pinned 1 ${TAG}\n\n`)
    scene.good('global', 'remove', 'other')
  })

  test('can be the program of a release', () => {
    scene.describe('HEP/1.0', `packages = ["demo", "other"]\nplatforms = ["${TAG}"]\n[variables]\nHEP_X = "x  y"\n`)
    scene.good('release', 'create', 'HEP/1.0')
    const none = scene.run(['global', 'install', 'HEP'])
    assert.match(
      none.stderr,
      /error\[NO_PROGRAM\]: HEP\/1\.0 does not say .*\nhint: .*--expose PROGRAM: it has demo, demo-config, other/,
    )
    const text = scene.good('global', 'install', 'HEP', '--expose', 'other', '-c', TAG)
    assert.equal(text, `HEP 1.0 (${TAG}): other in ${bin}`)
    assert.equal(start('other', 'beside', 'sh', '-c', 'demo; echo "$HEP_X"').stdout, `demo 1.0 ${TAG}\n\nx  y\n`)
    scene.describe('HEP/1.1', `packages = ["other"]\nplatforms = ["${TAG}"]\n`)
    scene.good('release', 'create', 'HEP/1.1')
    assert.equal(globalUpdate('HEP'), 'HEP 1.0 → 1.1')
    assert.equal(start('other', 'beside', 'demo').status, 127)
    scene.good('release', 'remove', 'HEP/1.1')
    scene.good('release', 'remove', 'HEP/1.0')
    scene.good('store', 'gc')
    assert.equal(start('other').stdout, `other 3.1 ${TAG}\n\n`)
    assert.match(
      scene.run(['global', 'update', 'HEP']).stderr,
      /error\[RELEASE_UNKNOWN\]: the release 'HEP' is not here any more/,
    )
    scene.good('global', 'remove', 'HEP')
  })

  test('that two install at once is whole, and so is another', async () => {
    const ends = await Promise.all(
      [['other'], ['other'], ['pinned']].map((names) => scene.away('global', 'install', ...names)),
    )
    for (const { status, stderr } of ends) assert.equal(status, 0, stderr)
    assert.deepEqual(readdirSync(bin).sort(), ['demo', 'demo-config', 'other', 'pinned'])
    assert.deepEqual(
      list().map(({ name }) => name),
      ['demo', 'other', 'pinned'],
    )
    for (const name of ['other', 'pinned']) assert.equal(start(name).status, 0, name)
    scene.good('global', 'remove', 'other', 'pinned')
  })

  test('works by proot as well', { skip: isOnPath('proot') ? false : 'no proot' }, () => {
    scene.good('global', 'install', 'other', '--sandbox', 'proot')
    assert.match(readFileSync(join(bin, 'other'), 'utf8'), /exec \S*proot /)
    assert.equal(start('other', "it's").stdout, `other 3.1 ${TAG}\n<it's>\n`)
    scene.good('global', 'remove', 'other')
  })

  test('is completed, and a mistake says what was meant', () => {
    assert.equal(scene.good('__complete', 'global', 'remove', ''), 'demo\t1.0')
    assert.match(scene.good('__complete', 'global', 'install', 'pin'), /^pinned\t/)
    const cases: readonly [words: string[], status: number, stderr: RegExp][] = [
      [
        ['global', 'remove', 'dmeo'],
        1,
        /^error\[GLOBAL_UNKNOWN\]: no tool 'dmeo' is installed\nhint: did you mean demo\?/,
      ],
      [['global', 'install', 'dmeo'], 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: did you mean demo\?/],
      [
        ['global', 'install', 'demo', '--expose', 'demo-confg'],
        1,
        /^error\[PROGRAM_UNKNOWN\]: .*\nhint: did you mean demo-config\?/m,
      ],
      [
        ['global', 'install', 'library'],
        1,
        /error\[NO_PROGRAM\]: library has no programs\nhint: .*baryon shell library/,
      ],
      [['global', 'install', 'demo', 'other', '--expose', 'demo'], 2, /--expose and --with are for one tool/],
      [['global', 'install', '--expr', '1', 'demo'], 2, /--expr cannot be evaluated again/],
      [
        ['global', 'install', 'demo', '--bin-dir', '/usr/nowhere'],
        1,
        /error\[BIN_DIRECTORY\]: cannot write programs into \/usr\/nowhere/,
      ],
    ]
    for (const [words, status, stderr] of cases) {
      const result = scene.run(words)
      assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
      assert.match(result.stderr, stderr)
    }
    assert.equal(start('demo').stdout, `demo 1.0 ${TAG}\n\n`)
    writeFileSync(join(scene.root, 'global/tools/demo.json'), '{}')
    assert.match(
      scene.run(['global', 'list']).stderr,
      /^error\[GLOBAL_RECORD\]: .*demo\.json is no record of a tool.*\nhint: remove it/,
    )
  })
})

function asUser(): string[] {
  return process.geteuid!() === 0 ? ['--reuid=65534', '--regid=65534', '--clear-groups', '--'] : ['--']
}
