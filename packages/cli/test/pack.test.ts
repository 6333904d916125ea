/** What scripts/pack.ts makes: the same commands in fewer files, and never those of former sources. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryDirectory } from '@baryon/testing'

const original = resolve(import.meta.dirname, '../../..')
const MARK = 'this is packed code\n'

let directory: string
let clone: string

before(async (t) => {
  directory = temporaryDirectory(t as Parameters<typeof temporaryDirectory>[0])
  clone = join(directory, 'a clöne with blanks')
  copyClone(clone)
  assert.equal((await ended(startPack())).status, 0)
  markPack()
})

test('packed commands, the threads that they start, and what they find by their address', async () => {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'inner'), { recursive: true })
  writeFileSync(join(tree, 'inner/file'), 'content')
  assert.equal((await ended(spawn('tar', ['-cJf', 'tree.tar.xz', 'tree'], { cwd: directory }))).status, 0)
  const deep = 'let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 30000'
  const fetched = `builtins.readFile "\${builtins.fetchTarball "file://${directory}/tree.tar.xz"}/inner/file"`
  const cases: readonly [printed: string, logged: string, program: string, ...words: string[]][] = [
    ['2\n', '', 'baryon', 'eval', '--expr', '1 + 1', '--json'],
    ['30000\n', '', 'nix-instantiate', '--eval', '-E', deep],
    ['"content"\n', `downloading 'file://${directory}/tree.tar.xz'...\n`, 'nix-instantiate', '--eval', '-E', fetched],
  ]
  for (const [stdout, logged, program, ...words] of cases) {
    const result = await run([join(clone, 'bin', program), ...words])
    assert.deepEqual(result, { status: 0, stdout, stderr: MARK + logged }, words.join(' '))
  }
  // The stacks are not in the copy: says where they were looked for.
  const { stderr } = await run([join(clone, 'bin/baryon'), 'stack', 'list'])
  assert.ok(stderr.startsWith(MARK) && stderr.includes(join(clone, 'stacks')), stderr)
})

test('a moved clone runs its pack, in which nothing is absolute', async () => {
  for (const name of readdirSync(join(clone, 'build/current'))) {
    const packed = readFileSync(join(clone, 'build/current', name), 'utf8')
    assert.ok(!packed.includes(directory) && !packed.includes(original), name)
  }
  const moved = join(directory, 'moved')
  renameSync(clone, moved)
  clone = moved
  assert.equal((await run([join(clone, 'bin/baryon'), '--version'])).stderr, MARK)
})

test('compiled code comes with the pack, fits, and is done without where it does not', async () => {
  const current = join(clone, 'build/current')
  const node = join(clone, 'node_modules/.bin/node')
  const rejected = (front: string): string =>
    `process.stdout.write(String(require(${JSON.stringify(join(current, 'front.cjs'))})('${front}').script.cachedDataRejected))`
  const flagsOf = (front: string): string[] => {
    const start = readFileSync(join(current, `${front}.sh`), 'utf8')
    return /baryon_front_flags='(.*)'/
      .exec(start)![1]!
      .split(' ')
      .filter((flag) => flag !== '')
  }
  const flags = flagsOf('nix-instantiate')
  assert.ok(flags.length > 0)
  for (const front of ['nix-build', 'nix-hash', 'nix-instantiate', 'nix-shell', 'nix-store']) {
    assert.equal((await run([node, ...flagsOf(front), '-e', rejected(front)])).stdout, 'false', front)
  }
  // Under other flags it would not fit, so these are those of a start.
  const show = join(directory, 'show-flags.cjs')
  writeFileSync(show, "process.stdout.write(process.execArgv.join(' '))")
  const started = await run([
    'env',
    `NODE_OPTIONS=--require "${show}"`,
    join(clone, 'bin/nix-instantiate'),
    '--version',
  ])
  for (const flag of flags) assert.ok(started.stdout.includes(flag), started.stdout)
  const codeFile = join(current, 'nix-instantiate.code')
  const code = readFileSync(codeFile)
  for (const bytes of [code.subarray(0, 1000), Buffer.alloc(0)]) {
    writeFileSync(codeFile, bytes)
    assert.equal((await run([node, ...flags, '-e', rejected('nix-instantiate')])).stdout, 'true')
    assert.equal((await run([join(clone, 'bin/nix-instantiate'), '--eval', '-E', '1 + 1'])).stdout, '2\n')
  }
  rmSync(codeFile)
  assert.equal((await run([join(clone, 'bin/nix-instantiate'), '--version'])).status, 0)
  // Whoever starts a program from the one that runs may start any.
  assert.match((await run([node, join(current, 'front.cjs'), 'baryon', '--version'])).stdout, /^baryon /)
  writeFileSync(codeFile, code)
})

test('a removed or edited source and a missing pack: the sources run', async () => {
  const command = [join(clone, 'bin/nix-hash'), '--help']
  const evaluating = [join(clone, 'bin/nix-instantiate'), '--version']
  const without = async (path: string, ...words: string[]): Promise<string> => {
    const file = join(clone, path)
    renameSync(file, `${file}.away`)
    const { stderr } = await run(words)
    renameSync(`${file}.away`, file)
    return stderr
  }
  // Not imported by what starts it as a thread; of no use to a front that does not evaluate.
  assert.equal(await without('packages/evaluation/src/large-stack-worker.ts', ...evaluating), '')
  assert.equal(await without('packages/evaluation/src/large-stack-worker.ts', ...command), MARK)
  // No front can come to it.
  assert.equal(await without('packages/cli/src/commands/doctor.ts', ...evaluating), MARK)
  assert.equal(await without('packages/cli/src/commands/doctor.ts', join(clone, 'bin/baryon'), '--version'), '')
  assert.equal((await run(command)).stderr, MARK)

  const file = join(clone, 'packages/cli/src/fronts/nix-hash.ts')
  // Of the same size.
  writeFileSync(file, readFileSync(file, 'utf8').replace('usage: nix-hash', 'USAGE: nix-hash'))
  const edited = await run(command)
  assert.match(edited.stdout, /^USAGE: nix-hash/)
  assert.equal(edited.stderr, '')

  rmSync(join(clone, 'build'), { recursive: true })
  assert.equal((await run(command)).stderr, '')
})

test('packing at the same time, or killed, leaves a pack that works; an old one is removed', async () => {
  const old = join(clone, 'build/0123456789abcdef')
  mkdirSync(old, { recursive: true })
  utimesSync(old, 1e9, 1e9)
  const killed = startPack()
  const [status] = await Promise.all([ended(startPack()).then((other) => other.status), killedOnceItWrites(killed)])
  assert.equal(status, 0)
  assert.match(readlinkSync(join(clone, 'build/current')), /^[0-9a-f]{16}$/)
  assert.ok(!existsSync(old))
  markPack()
  const result = await run([join(clone, 'bin/nix-hash'), '--type', 'md5', '--flat', '/dev/null'])
  assert.deepEqual(result, { status: 0, stdout: 'd41d8cd98f00b204e9800998ecf8427e\n', stderr: MARK })
})

async function killedOnceItWrites(child: ChildProcess): Promise<void> {
  const name = `-${child.pid}`
  while (child.exitCode === null && !readdirSync(join(clone, 'build')).some((made) => made.endsWith(name)))
    await delay(2)
  child.kill('SIGKILL')
}

/** The files that commands are made from; of node_modules, what is not packed is linked to. */
function copyClone(target: string): void {
  mkdirSync(join(target, 'node_modules/@baryon'), { recursive: true })
  for (const name of ['package.json', 'package-lock.json', 'bin', 'scripts', 'packages']) {
    cpSync(join(original, name), join(target, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/\/test$|\.test\.ts$|\/node_modules$/.test(path),
    })
  }
  for (const name of readdirSync(join(original, 'node_modules'))) {
    const path = join(original, 'node_modules', name)
    const copy = join(target, 'node_modules', name)
    if (['saxes', 'smol-toml', 'xmlchars', 'xz-decompress'].includes(name)) cpSync(path, copy, { recursive: true })
    else if (name !== '@baryon') symlinkSync(path, copy)
  }
  for (const name of readdirSync(join(target, 'packages'))) {
    symlinkSync(`../../packages/${name}`, join(target, 'node_modules/@baryon', name))
  }
}

/** Packed code says that it is. */
function markPack(): void {
  for (const name of ['cli-bin.mjs', 'front.cjs']) {
    const file = join(clone, 'build/current', name)
    writeFileSync(file, `process.stderr.write(${JSON.stringify(MARK)});\n${readFileSync(file, 'utf8')}`)
  }
}

function startPack(): ChildProcess {
  const node = join(clone, 'node_modules/.bin/node')
  return spawn(node, [join(clone, 'scripts/pack.ts')], { stdio: ['ignore', 'pipe', 'pipe'] })
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function ended(child: ChildProcess): Promise<Ended> {
  const status = new Promise<number | null>((done) => child.on('close', done))
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  return { status: await status, stdout, stderr }
}

function run([program = '', ...words]: readonly string[]): Promise<Ended> {
  const root = join(directory, 'home')
  const environment = { PATH: process.env.PATH, HOME: root, BARYON_ROOT: root, NIX_REMOTE: root }
  return ended(spawn(program, words, { cwd: clone, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }))
}
