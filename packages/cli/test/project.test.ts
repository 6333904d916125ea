/** Projects from `baryon init` to `baryon lock --check`, as an ordinary user, in a directory with blanks in its name. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listTiers } from '@baryon/environment'
import { type Cleanup, fuseDevice, isOnPath } from '@baryon/testing'
import { OTHER_TAG, type ReleaseScene, type Result, releaseScene, TAG } from './release-scene.ts'

const STORE = '/cvmfs/hep.example.org/nix/store'
const tiers = [...listTiers('auto')].filter((one) => one.works)
const skip = tiers.length === 0 ? 'no way to show a store works here' : false

interface Lock {
  request: { packages: string[]; release?: string }
  stack: string
  platforms: Record<
    string,
    { release?: { path: string }; packages: { attribute: string; version: string; outputs: { out: string } }[] }
  >
}

/** A project of one test, and `baryon` in it. */
class Project {
  readonly directory: string
  readonly scene: ReleaseScene

  constructor(scene: ReleaseScene, name: string, text: string) {
    this.scene = scene
    this.directory = join(scene.directory, name)
    scene.run(['init', this.directory])
    writeFileSync(join(this.directory, 'baryon.toml'), `stack = "../project"\n${text}`)
  }

  run(words: string, more: { environment?: Record<string, string>; below?: string } = {}): Result {
    const cwd = join(this.directory, more.below ?? '')
    return this.scene.run(words.split(' '), { cwd, ...(more.environment ? { environment: more.environment } : {}) })
  }

  good(words: string, more: { environment?: Record<string, string>; below?: string } = {}): string {
    const result = this.run(words, more)
    assert.equal(result.status, 0, `${words}: ${result.stderr}`)
    return result.stdout
  }

  read(name: string): string {
    return readFileSync(join(this.directory, name), 'utf8')
  }

  append(text: string): void {
    appendFileSync(join(this.directory, 'baryon.toml'), text)
  }

  get lock(): Lock {
    return JSON.parse(this.read('baryon.lock'))
  }
}

describe('a project', { skip }, () => {
  let scene: ReleaseScene
  let count = 0
  const works: (() => void | Promise<void>)[] = []
  const project = (text: string): Project => new Project(scene, `my project ${count++}`, text)
  before(() => {
    scene = createScene({ after: (work) => works.push(work) })
  })
  after(async () => {
    for (const work of works) await work()
  })

  test('begins with a file that explains itself and is never overwritten', () => {
    const directory = join(scene.directory, 'new one')
    scene.good('init', directory, '--release', 'HEP/1.0', '--package', 'zlib')
    const text = readFileSync(join(directory, 'baryon.toml'), 'utf8')
    assert.match(text, /^release = "HEP\/1\.0" +# .*\npackages = \["zlib"\] +#/m)
    const again = scene.run(['init', directory])
    assert.equal(again.status, 1)
    assert.match(again.stderr, /^error\[PROJECT_EXISTS\]: .*baryon\.toml is there already\nhint: .*baryon add/)
    assert.equal(readFileSync(join(directory, 'baryon.toml'), 'utf8'), text)
    // Below a directory whose baryon.toml names a stack, the new one names the same.
    const outer = project('')
    assert.equal(outer.run('init sub/inner').status, 0)
    assert.match(outer.read('sub/inner/baryon.toml'), /^stack = "\.\.\/\.\.\/\.\.\/project"$/m)
    const outside = scene.run(['add', 'zlib'], { cwd: scene.directory })
    assert.match(outside.stderr, /^error\[NO_PROJECT\]: .*\nhint: .*baryon init/)
  })

  test('gets and loses packages, with the file as a person would write it', () => {
    const mine = project('# mine\npackages = [\n  "zlib", # compress\n]\n\n[tasks] # none\n')
    const added = mine.run('add HELLO zlib')
    assert.equal(added.status, 0, added.stderr)
    assert.equal(added.stdout, `${TAG}\n  + zlib 1.2.13\n  + hello 2.0\n`)
    const text = 'stack = "../project"\n# mine\npackages = [\n  "zlib", # compress\n  "hello",\n]\n\n[tasks] # none\n'
    assert.equal(mine.read('baryon.toml'), text)
    assert.deepEqual(
      mine.lock.platforms[TAG]!.packages.map(({ attribute, version }) => [attribute, version]),
      [
        ['zlib', '1.2.13'],
        ['hello', '2.0'],
      ],
    )
    assert.equal(mine.good('run -- sh -c hello;zlib'), `hello 2.0 ${TAG}\nzlib 1.2.13 ${TAG}\n`)

    const cases: readonly [words: string, stderr: RegExp][] = [
      ['add zlip', /^error\[PACKAGE_UNKNOWN\]: the stack has no package 'zlip'\nhint: did you mean zlib\?/],
      ['add zlib/7', /^error\[VERSION_UNKNOWN\]: zlib has no version 7/],
      ['remove helo', /^error\[PACKAGE_UNKNOWN\]: .*has no package 'helo'\nhint: did you mean hello\?/],
      ['add fails', /error\[BUILD_FAILED\]/],
      [
        'add clash',
        /error\[VIEW_CONFLICT\]: [\s\S]*bin\/hello[\s\S]*hello 2\.0: priority 5\n {2}clash 1: priority 5\nhint: .*clash/,
      ],
    ]
    const lock = mine.read('baryon.lock')
    for (const [words, stderr] of cases) {
      const result = mine.run(words)
      assert.equal(result.status === 0, false, words)
      assert.match(result.stderr, stderr)
      assert.equal(mine.read('baryon.toml'), text, words)
      assert.equal(mine.read('baryon.lock'), lock, words)
    }
    assert.equal(mine.run('add -f ../project zlib').status, 2)
    assert.equal(mine.good('add zlib/1.2.13'), '')
    assert.match(mine.read('baryon.toml'), /^ {2}"hello",\n {2}"zlib\/1\.2\.13",$/m)
    assert.equal(mine.good('remove zlib'), `${TAG}\n  - zlib 1.2.13\n`)
    assert.match(mine.read('baryon.toml'), /^packages = \[\n {2}"hello",\n\]$/m)
    assert.equal(mine.run('run -- zlib').status, 127)
    assert.deepEqual(readdirSync(mine.directory).sort(), ['.baryon', 'baryon.lock', 'baryon.toml'])
  })

  test('runs tasks and commands from anywhere in it, and opens shells', () => {
    const mine = project(
      [
        'packages = ["hello"]',
        '[variables]',
        `HARD = "it's $(id) \`id\` \\"q\\"\\nü  "`,
        'DATA = "@project@/data"',
        'INCLUDE = "@view@/include"',
        'PATH = { prepend = "@project@/my bin" }',
        'FLAGS = { append = ["-a", "@project@"], separator = ";" }',
        '[tasks]',
        'demo = "hello --events 10"',
        'both = { command = ["printenv", "HARD"], depends-on = ["demo"], description = "Both" }',
        'hello = "echo the task"',
        'where = { command = "pwd; printenv DATA INCLUDE MINE FLAGS; own", directory = "data", variables = { MINE = "m @project@" } }',
      ].join('\n'),
    )
    for (const name of ['data', 'my bin', 'sub/deep']) mkdirSync(join(mine.directory, name), { recursive: true })
    writeFileSync(join(mine.directory, 'my bin/own'), '#!/bin/sh\necho own\n', { mode: 0o755 })
    const hard = 'it\'s $(id) `id` "q"\nü  \n'
    const demo = `hello 2.0 ${TAG}\n<--events>\n<10>\n`
    assert.match(mine.run('run demo').stderr, /baryon\.lock is made/)
    assert.equal(mine.good('run demo x -- -y'), `${demo}<x>\n<-->\n<-y>\n`)
    assert.equal(mine.good('run both', { below: 'sub/deep' }), demo + hard)
    assert.equal(mine.good('run demo -- x', { below: 'sub' }), `${demo}<x>\n`)
    const here = mine.good('run -- sh -c pwd;hello', { below: 'sub/deep' })
    assert.equal(here, `${mine.directory}/sub/deep\nhello 2.0 ${TAG}\n`)
    // A task before the package of the same name.
    assert.equal(mine.good('run hello'), 'the task\n')
    const view = join(mine.directory, '.baryon', TAG)
    assert.equal(
      mine.good('run where'),
      `${mine.directory}/data\n${mine.directory}/data\n${view}/include\nm ${mine.directory}\n-a;${mine.directory}\nown\n`,
    )
    const flags = mine.good('run -- printenv FLAGS', { environment: { FLAGS: '$(id)' } })
    assert.equal(flags, `$(id);-a;${mine.directory}\n`)
    assert.equal(mine.good('run A=b both', { environment: { A: 'x' } }), demo + hard)
    assert.equal(mine.good('run HARD=soft -- printenv HARD'), 'soft\n')
    assert.equal(mine.good('shell --shell sh --command hello'), `hello 2.0 ${TAG}\n`)
    assert.match(mine.good('shell --print --shell bash'), /^export BARYON_PROJECT='.*my project/m)
    assert.equal(scene.run(['run', '--', 'sh', '-c', 'exit 3'], { cwd: mine.directory }).status, 3)
    assert.equal(
      mine.good('task list'),
      'demo   hello --events 10\nboth   Both                                        after demo\nhello  echo the task\nwhere  pwd; printenv DATA INCLUDE MINE FLAGS; own\n',
    )
    const tasks = JSON.parse(mine.good('task list --json')) as { tasks: { name: string; dependsOn: string[] }[] }
    assert.deepEqual(tasks.tasks[1]!.dependsOn, ['demo'])
    const complete = mine
      .good('__complete run ')
      .split('\n')
      .map((line) => line.split('\t')[0])
    for (const name of ['demo', 'both', 'HEP/1.0', 'zlib']) assert.ok(complete.includes(name), name)
    assert.equal(mine.good('__complete remove '), 'hello\n')

    const wrong: readonly [words: string, status: number, stderr: RegExp][] = [
      ['run', 2, /^error\[USAGE\]: the name of a task, .*\nhint: the tasks are demo, both, hello, where/],
      ['run dmeo', 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: did you mean the task demo\?/],
      ['run ownn', 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: .*baryon run -- ownn/],
      ['run -- nonesuch', 127, /^error\[COMMAND_NOT_FOUND\]/],
    ]
    for (const [words, status, stderr] of wrong) {
      const result = mine.run(words)
      assert.equal(result.status, status, words)
      assert.match(result.stderr, stderr)
    }
    // A stack that is said has no part in the project.
    assert.equal(mine.good('run -f ../project zlib'), `zlib 1.2.13 ${TAG}\n`)
  })

  test('stands on a release, which stays as it is', () => {
    const mine = project(
      'release = "HEP"\npackages = ["zlib"]\n[variables]\nFROM = "@release@"\n[tasks]\nshow = "demo; zlib; printenv BARYON_RELEASE HEP_X"\n',
    )
    const list = scene.good('release', 'list')
    const shown = mine.good('run show')
    assert.equal(shown, `hello 2.0 ${TAG}\n<--events>\n<10>\nzlib 1.2.13 ${TAG}\nHEP/1.0\nx y\n`)
    assert.equal(scene.good('release', 'list'), list)
    const locked = mine.lock.platforms[TAG]!
    const [release] = scene.json<{ platforms: { path: string; view: string }[] }>(
      'release',
      'show',
      'HEP/1.0',
      '-c',
      TAG,
    ).platforms
    assert.equal(locked.release!.path, release!.path)
    assert.equal(mine.good('run -- printenv FROM'), `${release!.view}\n`)
    // Links alone, and only of what the project adds.
    const view = join(mine.directory, '.baryon', TAG)
    assert.deepEqual(spawnSync('find', ['-L', view, '-type', 'f'], { encoding: 'utf8' }).stdout, '')

    // Collecting spares what the project has a link to.
    scene.good('store', 'gc')
    rmSync(join(scene.root, 'launch'), { recursive: true, force: true })
    assert.equal(mine.run('run show').stderr, '')

    // Another platform is locked when it is wanted.
    assert.match(mine.good(`run -c ${OTHER_TAG} -- zlib`), new RegExp(`zlib 1.2.13 ${OTHER_TAG}`))
    assert.deepEqual(Object.keys(mine.lock.platforms), [OTHER_TAG, TAG])
    assert.equal(mine.good('lock --check'), '')

    // A release with other contents is told, and not taken until it is locked.
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG, '--replace', '--argstr', 'zlibVersion', '1.2.14')
    const checked = mine.run('lock --check')
    assert.equal(checked.status, 1)
    assert.match(
      checked.stdout,
      new RegExp(`^${TAG}\\n {2}release HEP/1\\.0: its contents, ${release!.path} → /cvmfs/.*\\n$`),
    )
    assert.equal(mine.good('run show'), shown)
    mine.good('lock')
    assert.equal(mine.good('lock --check'), '')
    scene.good('release', 'create', 'HEP/1.0', '-c', TAG, '--replace')

    const hiding = project('release = "HEP/1.0"\n').run('add hello')
    assert.match(hiding.stderr, /^note: hello 2\.0 comes before hello 2\.0 of HEP\/1\.0$/m)

    const unknown = project('release = "HAP/1.0"\n').run('run -- true')
    assert.match(unknown.stderr, /^error\[RELEASE_UNKNOWN\]: .*'HAP'.*\nhint: did you mean HEP\?/)
    const version = project('release = "HEP/7"\n').run('lock')
    assert.equal(version.status, 64)
    assert.match(version.stderr, /^error\[VERSION_UNKNOWN\]: .*\nhint: .*1\.0/)
  })

  test('is what its lock says until that is made anew', () => {
    const mine = project('packages = ["hello", "other", "zlib"]\n[tasks]\ndemo = "zlib"\n')
    assert.match(mine.run('lock --check').stderr, /^error\[LOCK_MISSING\]/)
    assert.match(
      mine.run('run --locked demo').stderr,
      /^error\[LOCK_STALE\]: there is no baryon\.lock\nhint: .*baryon lock/,
    )
    mine.good('lock')
    assert.match(mine.run('lock').stderr, /is as it was/)
    assert.equal(mine.run('lock --check').status, 0)
    assert.equal(mine.good('run demo'), `zlib 1.2.13 ${TAG}\n`)

    const recipe = join(scene.project, 'default.nix')
    const former = readFileSync(recipe, 'utf8')
    try {
      writeFileSync(recipe, `# a comment\n${former}`)
      const same = mine.run('lock --check --json')
      assert.equal(same.status, 0)
      assert.match(same.stderr, /note: files of the stack have changed/)
      writeFileSync(recipe, former.replace('"1.2.13"', '"1.3"').replace('"3.1"', '"3.2"'))
      assert.equal(mine.good('run demo'), `zlib 1.2.13 ${TAG}\n`)
      const checked = mine.run('lock --check')
      assert.equal(checked.status, 1)
      assert.match(checked.stderr, /baryon\.lock is not what baryon lock would write now/)
      assert.match(
        checked.stdout,
        new RegExp(
          `^${TAG}\\n {2}hello 2\\.0: built otherwise, .*\\n {2}other 3\\.1 → 3\\.2\\n {2}zlib 1\\.2\\.13 → 1\\.3\\n$`,
        ),
      )
      const record = JSON.parse(mine.run('lock --check --json').stdout) as {
        isCurrent: boolean
        changes: { kind: string }[]
      }
      assert.deepEqual(
        [record.isCurrent, record.changes.map(({ kind }) => kind)],
        [false, ['package', 'package', 'package']],
      )

      // What the store has lost comes from the derivations, else from the stack of then.
      rmSync(join(mine.directory, '.baryon'), { recursive: true })
      scene.good('store', 'gc')
      const lost = mine.run('run demo')
      assert.equal(lost.status, 1)
      assert.match(
        lost.stderr,
        /error\[LOCK_UNAVAILABLE\]: other 3\.1 of baryon\.lock is not here, and the stack does not make it any more\nhint: .*baryon lock/,
      )
      writeFileSync(recipe, former)
      assert.equal(mine.good('run demo'), `zlib 1.2.13 ${TAG}\n`)
      writeFileSync(
        recipe,
        former.replace('zlib = make "zlib"', 'zilb = make "zilb"').replace('needs = zlib', 'needs = zilb'),
      )
      assert.equal(mine.run('lock --check').stdout, "  the stack has no package 'zlib'\n")
    } finally {
      writeFileSync(recipe, former)
    }

    mine.append('\n# and more\n')
    assert.equal(mine.run('run --locked demo').status, 0)
    const file = join(mine.directory, 'baryon.toml')
    writeFileSync(file, mine.read('baryon.toml').replace('"hello", ', ''))
    const stale = mine.run('run --locked demo')
    assert.match(
      stale.stderr,
      /^error\[LOCK_STALE\]: baryon\.lock is not what baryon\.toml asks for:\n {2}- hello\nhint/,
    )
    assert.equal(mine.run('lock --check').stdout, '  - hello\n')
    const again = mine.run('run demo')
    assert.equal(again.stderr, `baryon.lock is made anew\n${TAG}\n  - hello 2.0\n`)
    writeFileSync(join(mine.directory, 'baryon.lock'), mine.read('baryon.lock').replace('{', '<<<<<<<\n{'))
    assert.match(
      mine.run('run demo').stderr,
      /^error\[LOCK_INVALID\]: .*baryon\.lock is no lock [\s\S]*\nhint: .*baryon lock/,
    )
    assert.match(mine.run('lock').stderr, /^note: .*\.lock is no lock [\s\S]*baryon\.lock is made/)
    assert.equal(mine.run('run --locked demo').status, 0)
  })

  test('with a mistake in its file says where', () => {
    const cases: readonly [text: string, code: string, message: string][] = [
      ['packages = ["zlib"', 'CONFIGURATION_SYNTAX', '2:19: '],
      ['\n[tasks]\na = "x\n', 'CONFIGURATION_SYNTAX', '4:'],
      ['pakages = []', 'CONFIGURATION_KEY', "2:1: unknown key 'pakages'"],
      ['packages = "zlib"', 'CONFIGURATION_KEY', "2:1: 'packages' must be a list of texts"],
      ['packages = [\n "a",\n  1]', 'CONFIGURATION_KEY', "4:3: 'packages.1' must be a text"],
      ['packages = ["a", "a/1"]', 'CONFIGURATION_KEY', "2:18: 'a/1' is there twice"],
      ['release = "a/b/c"', 'CONFIGURATION_KEY', "2:1: 'release' must be the name"],
      ['variables = { "A-B" = "x" }', 'CONFIGURATION_KEY', "2:15: 'A-B' cannot be a name in 'variables'"],
      ['[variables]\nA = 4', 'CONFIGURATION_KEY', "3:1: 'variables.A' must be a text"],
      ['[variables]\nA = { x = "a" }', 'CONFIGURATION_KEY', "3:7: unknown key 'x' in 'variables.A'"],
      ['[variables]\nA = { separator = ":" }', 'CONFIGURATION_KEY', "3:1: 'variables.A' has neither 'prepend' nor"],
      ['[variables]\nA = { append = "" }', 'CONFIGURATION_KEY', "3:7: 'variables.A.append' must be a text or"],
      ['[variables]\nA = { append = ["a", 1] }', 'CONFIGURATION_KEY', "3:7: 'variables.A.append' must be a text or"],
      [
        '[variables]\nA = { append = "a", separator = "$" }',
        'CONFIGURATION_KEY',
        `3:21: 'variables.A.separator' must be one of ":" ";"`,
      ],
      ['[tasks]\na = { cmd = "x" }', 'CONFIGURATION_KEY', "3:7: unknown key 'cmd' in 'tasks.a'"],
      ['[tasks]\na = { depends-on = ["b"] }', 'CONFIGURATION_KEY', "3:21: 'a' depends on a task 'b'"],
      ['[tasks]\na = { depends-on = ["b"] }\nb = { depends-on = ["a"] }', 'TASK_CYCLE', 'a → b → a'],
      ['packages = ["a"]\n[priorities]\nb = 1', 'CONFIGURATION_KEY', "4:1: 'priorities' names 'b'"],
    ]
    const mine = project('')
    const file = join(mine.directory, 'baryon.toml')
    for (const [text, code, message] of cases) {
      writeFileSync(file, `stack = "../project"\n${text}`)
      const { status, stderr } = mine.run('run a')
      assert.equal(status, 1, text)
      assert.ok(stderr.startsWith(`error[${code}]: `) && stderr.includes(message), `${text}\n${stderr}`)
      if (code !== 'TASK_CYCLE') assert.ok(stderr.includes(`${file}:${message}`), stderr)
    }
    writeFileSync(file, '[tasks]\na = { cmd = "x" }')
    assert.match(mine.run('run a').stderr, /hint: did you mean 'command'\?/)
  })

  test('that two change at once has the changes of both', async () => {
    const mine = project('packages = []\n')
    const results = await Promise.all(
      ['zlib', 'hello', 'other'].map(async (name) => {
        const child = scene.start(['add', name], mine.directory)
        let stderr = ''
        child.stderr!.on('data', (data: Buffer) => (stderr += data.toString()))
        return { status: await new Promise((done) => child.on('close', done)), stderr }
      }),
    )
    for (const { status, stderr } of results) assert.equal(status, 0, stderr)
    const packages = [...mine.lock.request.packages].sort()
    assert.deepEqual(packages, ['hello', 'other', 'zlib'])
    assert.match(mine.good('lock --check'), /^$/)
    assert.equal(mine.good('run -- sh -c hello;zlib;other').split('\n').length, 4)
    const bin = readdirSync(join(mine.directory, '.baryon', TAG, 'bin'))
    for (const name of packages) assert.ok(bin.includes(name), name)
    for (const name of readdirSync(join(mine.directory, '.baryon')))
      assert.match(name, /^(\.gitignore|x86_64[\w-]*(\.root)?|\.x86_64[\w-]*-[0-9a-f]{24})$/)
    assert.deepEqual(readdirSync(mine.directory).sort(), ['.baryon', 'baryon.lock', 'baryon.toml'])
  })

  test('of somebody else is run without writing into it', () => {
    const mine = project('packages = ["zlib"]\n[tasks]\ndemo = "zlib"\n')
    mine.good('lock')
    chmodSync(mine.directory, 0o555)
    try {
      assert.equal(mine.good('run demo'), `zlib 1.2.13 ${TAG}\n`)
      assert.equal(mine.good('run demo'), `zlib 1.2.13 ${TAG}\n`)
      const refused = mine.run('add hello')
      assert.match(refused.stderr, /error\[PROJECT_READ_ONLY\]/)
      assert.deepEqual(readdirSync(mine.directory).sort(), ['baryon.lock', 'baryon.toml'])
    } finally {
      chmodSync(mine.directory, 0o755)
    }
  })

  test('starts without Node while nothing has changed', { skip: isOnPath('strace') ? false : 'no strace' }, () => {
    const mine = project('packages = ["hello"]\n[tasks]\ndemo = "hello"\n')
    const out = `hello 2.0 ${TAG}\n`
    const check = (shown: string, ...words: readonly string[]) => {
      const { first, second } = scene.twice(['run', ...words], mine.directory)
      assert.deepEqual([first.usesNode, first.stdout], [true, shown])
      assert.deepEqual([second.usesNode, second.stdout], [false, shown])
    }
    check(`${out}<a>\n`, 'demo', 'a')
    check(`${out}<a>\n`, '--', 'hello', 'a')
    mine.append('again = "hello"\n')
    check(out, 'demo')
    mine.good('add zlib')
    check(out, 'demo')
    rmSync(join(mine.directory, '.baryon'), { recursive: true })
    check(out, 'demo')
  })

  test('is recorded, and run again by hash alone', () => {
    const mine = project(
      'release = "HEP/1.0"\npackages = ["zlib"]\n[variables]\nV = "a b"\n[tasks]\nshow = "zlib; hello; printenv V HEP_X"\n',
    )
    const shown = mine.good('run --record ../record.json show')
    assert.equal(shown, `zlib 1.2.13 ${TAG}\nhello 2.0 ${TAG}\na b\nx y\n`)
    renameSync(join(mine.directory, '.baryon'), join(mine.directory, 'gone'))
    const replayed = mine.run('run --replay ../record.json')
    assert.equal(replayed.stdout, shown)
    assert.match(replayed.stderr, /^replayed: status 0 /m)
  })

  test('stops at Ctrl-C and leaves nothing half written', async () => {
    const mine = project('packages = []\n')
    const text = mine.read('baryon.toml')
    const child = scene.start(['add', 'slow'], mine.directory)
    let stderr = ''
    child.stderr!.on('data', (data: Buffer) => {
      stderr += data.toString()
      if (stderr.includes('building slow')) child.kill('SIGINT')
    })
    const status = await new Promise((done) => child.on('close', done))
    assert.equal(status, 130, stderr)
    assert.equal(mine.read('baryon.toml'), text)
    assert.equal(existsSync(join(mine.directory, 'baryon.lock')), false)
  })
})

describe('a project on a machine that has nothing of it', { skip }, () => {
  const text = 'release = "HEP/1.0"\npackages = ["other"]\n[tasks]\ndemo = "hello; other; printenv HEP_X"\n'
  const shown = `hello 2.0 ${TAG}\nother 3.1 ${TAG}\nx y\n`

  test('takes all of it from a cache, by hash', (t) => {
    const scene = createScene(t)
    const mine = new Project(scene, 'mine', text)
    assert.equal(mine.good('run demo'), shown)
    const lock = mine.read('baryon.lock')
    const { release, packages } = mine.lock.platforms[TAG]!
    mine.good(`cache push ../cache ${release!.path} ${packages[0]!.outputs.out}`)
    // A stack that makes something else by now, and no derivation.
    const recipe = join(scene.project, 'default.nix')
    writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('"3.1"', '"3.2"'))
    const environment = { BARYON_ROOT: join(scene.directory, 'node') }
    const without = mine.run('run demo', { environment })
    assert.equal(without.status, 1)
    assert.match(
      without.stderr,
      /error\[RELEASE_MISSING\]: HEP\/1\.0 of baryon\.lock is not here.*\nhint: .*--substituter/,
    )
    const caches = { ...environment, BARYON_SUBSTITUTERS: `file://${join(scene.directory, 'cache')}?trusted=1` }
    const first = mine.run('run demo', { environment: caches })
    assert.equal(first.stdout, shown, first.stderr)
    assert.doesNotMatch(first.stderr, /building/)
    assert.equal(mine.good('run demo', { environment }), shown)
    assert.equal(mine.read('baryon.lock'), lock)
  })

  const device = fuseDevice()
  test('mounts what is published, or copies the release and builds the rest', { skip: device.skip }, (t) => {
    const scene = createScene(t, device.words)
    const mine = new Project(scene, 'mine', text)
    mine.good('lock')
    const all = new Project(scene, 'all', text.replace('other', 'zlib').replace('other', 'zlib'))
    all.good('lock')
    scene.good('repository', 'create', 'hep.example.org', '--dir', '../repository')
    scene.good('repository', 'publish', '../repository', 'HEP/1.0')
    const environment = {
      BARYON_ROOT: join(scene.directory, 'node'),
      BARYON_REPOSITORY: join(scene.directory, 'repository'),
    }
    const mounted = all.run('run demo', { environment })
    assert.equal(mounted.stdout, `hello 2.0 ${TAG}\nzlib 1.2.13 ${TAG}\nx y\n`, mounted.stderr)
    assert.equal(
      existsSync(join(environment.BARYON_ROOT, STORE))
        ? readdirSync(join(environment.BARYON_ROOT, STORE)).filter((name) => name.includes('zlib')).length
        : 0,
      0,
    )
    const mixed = mine.run('run demo', { environment })
    assert.equal(mixed.stdout, shown, mixed.stderr)
    assert.match(mixed.stderr, /built other-3\.1/)
    assert.match(mixed.stderr, /HEP-1\.0/)
  })
})

function createScene(t: Cleanup, words: readonly string[] = []): ReleaseScene {
  const scene = releaseScene(t, STORE, words)
  scene.describe(
    'HEP/1.0',
    `packages = ["hello"]\nplatforms = ["${TAG}", "${OTHER_TAG}"]\n[tasks]\ndemo = "hello --events 10"\n[variables]\nHEP_X = "x y"\n`,
  )
  scene.good('release', 'create', 'HEP/1.0')
  return scene
}
