/** The command line as people and shells meet it: real processes. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { isOnPath, ordinaryUser, temporaryDirectory } from '@baryon/testing'
import { listCommands } from '../src/catalogue.ts'
import { formatHelp, formatOverview } from '../src/help.ts'
import { paint } from '../src/terminal.ts'

const clone = resolve(import.meta.dirname, '../../..')
const bin = join(clone, 'bin')
const home = temporaryDirectory({ after })

function baryon(
  words: readonly string[],
  options: { cwd?: string; environment?: Record<string, string>; program?: string } = {},
) {
  const result = spawnSync(options.program ?? join(bin, 'baryon'), words, {
    encoding: 'utf8',
    cwd: options.cwd ?? '/',
    input: '',
    env: { PATH: process.env.PATH, HOME: home, ...options.environment },
  })
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

test('help is the golden one', () => {
  const golden = join(import.meta.dirname, 'data/help.txt')
  const plain = paint(false)
  const text = [formatOverview(plain), ...listCommands().map((command) => formatHelp(command, plain))].join('\n')
  if (process.env.BARYON_ACCEPT) {
    mkdirSync(join(import.meta.dirname, 'data'), { recursive: true })
    writeFileSync(golden, text)
  }
  assert.equal(text, readFileSync(golden, 'utf8'), 'run with BARYON_ACCEPT=1 to accept')
})

test('every command has help, an example that parses as itself, and code', async () => {
  for (const command of listCommands()) {
    assert.ok(command.examples.length > 0, command.name)
    for (const [example] of command.examples) assert.ok(example.includes(`baryon ${command.name}`), example)
    const { run } = await command.load()
    assert.equal(typeof run, 'function', command.name)
  }
})

test('exit statuses and messages of wrong usage', () => {
  const cases: readonly [words: string[], status: number, stderr: RegExp][] = [
    [['biuld'], 2, /^error\[USAGE\]: 'biuld' is not a command\nhint: did you mean 'baryon build'\?/],
    [['store', 'lss'], 2, /did you mean 'baryon store ls'/],
    [
      ['build', '--plaform', 'x'],
      2,
      /^error\[USAGE\]: unknown option --plaform\nhint: did you mean --platform\?\nusage: baryon build/,
    ],
    [['hash'], 2, /an argument is missing/],
    [['--json', 'build'], 2, /options come after the command/],
    [['eval', '--expr', '1 +'], 1, /^error\[\w+\]: /],
    [
      ['eval', '--expr', 'http://x', '--lint', 'url-literals', 'fatal'],
      1,
      /^error\[PARSE\]: URL literals are disallowed/,
    ],
    [
      ['eval', '--expr', '1', '--lint', 'url-literals', 'loud'],
      1,
      /^error\[LINT_LEVEL\]: .*\nhint: known are ignore, warn, fatal/,
    ],
    [
      ['eval', '--expr', '1', '--lint', 'urls', 'warn'],
      2,
      /^error\[USAGE\]: --lint knows no 'urls'\nhint: known are url-lit/,
    ],
    [['platform', 'show', 'nonsense'], 1, /^error\[PLATFORM_SYNTAX\]: /],
  ]
  for (const [words, status, stderr] of cases) {
    const result = baryon(words)
    assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
    assert.match(result.stderr, stderr)
    assert.equal(result.stdout, '')
  }
})

test('an error is a record with --json', () => {
  const result = baryon(['platform', 'show', 'nonsense', '--json'])
  assert.equal(result.status, 1)
  assert.equal((JSON.parse(result.stdout) as { error: { code: string } }).error.code, 'PLATFORM_SYNTAX')
})

test('no colour reaches a pipe, and --help of any command ends with 0', () => {
  for (const words of [[], ['--help'], ['help', 'store'], ['store'], ['run', '--help'], ['store', 'gc', '-h']]) {
    const result = baryon(words)
    assert.equal(result.status, 0)
    assert.doesNotMatch(result.stdout, /\x1b/)
  }
  assert.match(baryon(['--help'], { environment: { FORCE_COLOR: '1' } }).stdout, /\x1b\[1m/)
  assert.doesNotMatch(baryon(['--help'], { environment: { FORCE_COLOR: '1', NO_COLOR: '1' } }).stdout, /\x1b/)
})

test('works through links, with blanks in the path, from any directory', (t) => {
  const directory = join(temporaryDirectory(t), 'with blanks')
  mkdirSync(directory)
  symlinkSync(clone, join(directory, 'the clone'))
  symlinkSync('the clone/bin/baryon', join(directory, 'my-baryon'))
  symlinkSync(join(bin, 'nix-instantiate'), join(directory, 'nix-instantiate'))
  for (const program of [join(directory, 'the clone/bin/baryon'), join(directory, 'my-baryon'), './my-baryon']) {
    assert.match(baryon(['--version'], { program, cwd: directory }).stdout, /^baryon \d/)
  }
  const front = baryon(['--eval', '-E', '1 + 1'], {
    program: join(directory, 'nix-instantiate'),
    environment: { NIX_REMOTE: 'dummy://' },
  })
  assert.equal(front.stdout, '2\n', front.stderr)
  const found = baryon(['--version'], { program: 'baryon', environment: { PATH: `${bin}:${process.env.PATH}` } })
  assert.match(found.stdout, /^baryon \d/)
})

test('a clone that was not set up says what to run', (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'bin/baryon'), readFileSync(join(bin, 'baryon')), { mode: 0o755 })
  const result = baryon(['build'], { program: join(directory, 'bin/baryon') })
  assert.equal(result.status, 1)
  assert.match(result.stderr, /^baryon: not set up yet; run once: npm .* run setup\n$/)

  // Set up for other sources than are there now.
  mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true })
  symlinkSync(process.execPath, join(directory, 'node_modules/.bin/node'))
  writeFileSync(join(directory, 'node_modules/.baryon-lock'), 'before\n')
  writeFileSync(join(directory, 'package-lock.json'), 'now\n')
  const pulled = baryon(['build'], { program: join(directory, 'bin/baryon') })
  assert.equal(pulled.status, 1)
  assert.match(pulled.stderr, /^baryon: the clone needs other packages than were installed; run: npm .* run setup\n$/)
})

test('works where no cache can be kept', (t) => {
  const user = ordinaryUser(t)
  // Node by itself does not end when it is told to make a directory below /proc.
  for (const environment of [
    { HOME: '/proc/nothing' },
    { XDG_CACHE_HOME: '/proc/nothing' },
    { XDG_CACHE_HOME: '/proc' },
    { HOME: '' },
  ]) {
    const result = user.run(join(bin, 'baryon'), ['eval', '--expr', '1 + 1'], {
      environment: { BARYON_ROOT: join(user.home, 'root'), ...environment },
    })
    assert.deepEqual([result.status, result.stdout, result.stderr], [0, '2\n', ''], JSON.stringify(environment))
  }
  const { status, stderr } = spawnSync(
    join(bin, 'baryon'),
    ['repository', 'create', 'odd.example.org', '--dir', '/proc/nothing'],
    { encoding: 'utf8', timeout: 60_000, env: { PATH: process.env.PATH, HOME: home } },
  )
  assert.equal(status, 1)
  assert.match(stderr, /^error\[[A-Z]+\]: .*\/proc\/nothing/)
})

test('no variable of the caller is changed', () => {
  const names = ['self', 'program', 'target', 'clone', 'node', 'entry', 'lock', 'cache', 'flags', 'word', 'item']
  const { stdout } = baryon(
    ['eval', '--raw', '--expr', `toString (map builtins.getEnv ${JSON.stringify(names).replaceAll(',', ' ')})`],
    {
      environment: Object.fromEntries(names.map((name) => [name, `my-${name}`])),
    },
  )
  assert.equal(stdout, names.map((name) => `my-${name}`).join(' '))
})

test('a reader that goes away ends it quietly', async () => {
  const child = spawn('/bin/sh', ['-c', `"${bin}/baryon" --help | head -n 1`], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const status = await new Promise((done) => child.on('close', done))
  assert.equal(errors, '')
  assert.equal(status, 0)
})

describe('completion', () => {
  const complete = (...words: string[]): string[] =>
    baryon(['__complete', ...words])
      .stdout.trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]!)

  test('candidates come from the table of commands', () => {
    assert.deepEqual(complete('pl'), ['platform'])
    assert.deepEqual(complete('platform', ''), ['show', 'list'])
    assert.deepEqual(complete('completion', 'f'), ['fish'])
    assert.deepEqual(complete('store', 'gc', '--max'), ['--max-freed'])
    assert.deepEqual(complete('build', '--sandbox', 'p'), ['proot'])
    assert.deepEqual(complete('build', '-f', ''), [':file'])
    assert.deepEqual(complete('run', 'x', '--', ''), [':file'])
    assert.deepEqual(complete('nonsense', ''), [''])
  })

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const skip = isOnPath(shell) ? false : `${shell} is not installed`
    test(`the script of ${shell} is sound, and completes in the real shell`, { skip }, (t) => {
      const directory = temporaryDirectory(t)
      const file = join(directory, 'script')
      writeFileSync(file, baryon(['completion', shell]).stdout)
      const check = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
      assert.equal(check.status, 0, check.stderr)
      const driver = {
        bash: `. ${file}; COMP_WORDS=(baryon platform s); COMP_CWORD=2; _baryon; printf '%s\\n' "\${COMPREPLY[@]}"`,
        // The completion system of zsh works only below its line editor: its one function is replaced.
        zsh: `_describe() { print -l -- \${candidates%%:*} }; . ${file}; words=(baryon platform s); CURRENT=3; _baryon`,
        fish: `source ${file}; complete -C 'baryon platform s' | string split -f1 \\t`,
      }[shell]
      const options = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell]
      const result = spawnSync(shell, [...options, '-c', driver], {
        encoding: 'utf8',
        env: { PATH: `${bin}:${process.env.PATH}`, HOME: directory },
      })
      assert.equal(result.stdout, 'show\n', result.stderr)
    })
  }
})
