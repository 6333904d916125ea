/** `baryon run`, `exec` and `shell` on a small stack of their own, with a store at a path that no host has. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listTiers } from '@baryon/environment'
import { removeTree } from '@baryon/store'
import { isOnPath } from '@baryon/testing'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon rün-')))
const project = join(directory, 'my project')
const root = join(directory, 'root')
const storeDirectory = '/baryon-run.example.org/nix/store'
after(() => removeTree(directory))

const recipe = `
{ platform ? "x86_64-test1-gcc12-opt" }:
let
  make = pname: version: meta: derivation {
    name = "\${pname}-\${version}"; inherit pname version platform;
    system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ ./builder.sh ];
  } // { meta = { description = "test"; } // meta; };
in {
  hello = make "hello" "1.0" { mainProgram = "hello"; };
  Other = make "other" "2.5" { };
  fails = derivation { name = "fails"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "exit 3" ]; };
}
`

const builder = `
mkdir -p $out/bin $out/include
cat > $out/bin/$pname <<X
#!/bin/sh
echo "$pname $version $platform"
echo "\\$0"
for a in "\\$@"; do echo "<\\$a>"; done
exit \\\${STATUS:-0}
X
chmod +x $out/bin/$pname
`

interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(
  words: readonly string[],
  options: { environment?: Record<string, string>; cwd?: string; program?: readonly string[]; input?: string } = {},
): Result {
  const [program, ...before] = options.program ?? [baryon]
  const result = spawnSync(program!, [...before, ...words], {
    encoding: 'utf8',
    cwd: options.cwd ?? project,
    input: options.input ?? 'input',
    env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: root, ...options.environment },
  })
  if (result.error !== undefined) throw result.error
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

function launchFiles(): string {
  const place = join(root, 'launch')
  return existsSync(place) ? readdirSync(place).sort().join() : ''
}

const tiers = [...listTiers('auto')].filter((one) => one.works)

describe('baryon run', { skip: tiers.length === 0 ? 'no way to show a store works here' : false }, () => {
  before(() => {
    mkdirSync(project)
    writeFileSync(join(project, 'default.nix'), recipe)
    writeFileSync(join(project, 'builder.sh'), builder)
    writeFileSync(join(project, 'baryon.toml'), `store-dir = "${storeDirectory}"\nstack = "default.nix"\n`)
  })

  test('builds what is missing and runs the main program at its logical path', () => {
    const first = run(['run', 'hello'])
    assert.equal(first.status, 0, first.stderr)
    assert.match(
      first.stdout,
      /^hello 1\.0 x86_64-test1-gcc12-opt\n\/baryon-run\.example\.org\/nix\/store\/\w{32}-hello-1\.0\/bin\/hello\n$/,
    )
    assert.match(first.stderr, /built hello-1\.0/)
    const second = run(['run', 'hello'])
    assert.deepEqual(second, { ...first, stderr: '' })
  })

  test('arguments, status and settings are those of the command', () => {
    const result = run(['run', 'STATUS=7', 'hello', 'hello', 'two words', '--', '-f'])
    assert.equal(result.status, 7)
    assert.match(result.stdout, /\n<two words>\n<-->\n<-f>\n$/)
    assert.deepEqual(run(['run', 'STATUS=7', 'hello', '--', 'hello', 'two words', '--', '-f']), result)
    assert.equal(run(['run', 'hello', 'sh', '-c', 'cat; pwd; echo $PATH']).stdout.split('\n')[0], `input${project}`)
    assert.equal(run(['run', 'hello', 'nonesuch']).status, 127)
  })

  test('names, versions and platforms', () => {
    assert.match(run(['run', 'OTHER/2.5']).stdout, /^other 2\.5/)
    assert.match(run(['run', '-c', 'x86_64-test1-gcc11-opt', 'hello']).stdout, /^hello 1\.0 x86_64-test1-gcc11-opt/)
    assert.match(run(['run', 'hello'], { environment: { BINARY_TAG: 'x86_64-test1-gcc11-opt' } }).stdout, /gcc11/)
    const cases: readonly [words: string[], status: number, stderr: RegExp][] = [
      [['run', 'helo'], 1, /^error\[PACKAGE_UNKNOWN\]: .*\nhint: did you mean hello\?/],
      [['run', 'hello/2'], 1, /^error\[VERSION_UNKNOWN\]: hello has no version 2 in this stack, but 1\.0/],
      [['run', 'fails'], 100, /error\[BUILD_FAILED\]/],
      [['run'], 2, /error\[USAGE\]/],
      [['exec', 'hello'], 2, /error\[USAGE\]/],
    ]
    for (const [words, status, stderr] of cases) {
      const result = run(words)
      assert.equal(result.status, status, `${words.join(' ')}: ${result.stderr}`)
      assert.match(result.stderr, stderr)
    }
  })

  test('never runs what is stale', () => {
    run(['run', 'hello'])
    const kept = launchFiles()
    assert.notEqual(kept, '')
    const text = recipe.replace('"1.0"', '"1.1"')
    const changed = {
      recipe: () => writeFileSync(join(project, 'default.nix'), text),
      builder: () => writeFileSync(join(project, 'builder.sh'), builder.replace('echo "$pname', 'echo "new $pname')),
    }
    changed.recipe()
    assert.match(run(['run', 'hello']).stdout, /^hello 1\.1/)
    assert.match(run(['run', 'hello']).stdout, /^hello 1\.1/)
    changed.builder()
    assert.match(run(['run', 'hello']).stdout, /^new hello 1\.1/)

    // A nearer baryon.toml, and another root, are other answers.
    const inner = join(project, 'inner')
    mkdirSync(inner)
    assert.match(run(['run', 'hello'], { cwd: inner }).stdout, /baryon-run\.example\.org/)
    writeFileSync(
      join(inner, 'baryon.toml'),
      'store-dir = "/baryon-inner.example.org/store"\nstack = "../default.nix"\n',
    )
    assert.match(run(['run', 'hello'], { cwd: inner }).stdout, /baryon-inner\.example\.org/)
    const elsewhere = run(['run', 'hello'], { environment: { BARYON_ROOT: join(directory, 'root2') } })
    assert.match(elsewhere.stderr, /built hello/)
  })

  test('what runs is not collected', async () => {
    run(['run', 'hello'])
    const environment = { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: root }
    const child = spawn(baryon, ['run', 'hello', 'sh', '-c', 'echo ready; read line; hello'], {
      cwd: project,
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    const ended = new Promise((done) => child.on('close', done))
    await new Promise((done) => child.stdout.once('data', done))
    try {
      const roots = JSON.parse(run(['store', 'roots', '--store-dir', storeDirectory, '--json']).stdout) as {
        roots: { link: string; path: string; kind: string }[]
      }
      const used = roots.roots.filter(({ kind }) => kind === 'process').map(({ path }) => path)
      assert.ok(used.some((path) => path.endsWith('-hello-1.1')))
      const collected = JSON.parse(run(['store', 'gc', '--store-dir', storeDirectory, '--json']).stdout) as {
        deleted: string[]
      }
      assert.deepEqual(
        collected.deleted.filter((path) => used.includes(path)),
        [],
      )
    } finally {
      child.stdin.end('go\n')
      await ended
    }
    assert.match(output, /^ready\nnew hello 1\.1 /)
  })

  test('what is collected is built again', () => {
    run(['run', 'hello'])
    const collected = run(['store', 'gc', '--store-dir', storeDirectory])
    assert.equal(collected.status, 0, collected.stderr)
    const result = run(['run', 'hello'])
    assert.match(result.stderr, /built hello/)
    assert.match(result.stdout, /hello 1\.1/)
  })

  test('an unchanged package starts without Node', {
    skip: isOnPath('strace') ? false : 'strace is not installed',
  }, () => {
    run(['run', 'hello'])
    const result = run(['run', 'hello', 'hello', 'x'], {
      program: ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', join(directory, 'trace'), baryon],
    })
    if (result.status !== 0) return // ptrace is not allowed here: nothing can be seen.
    const trace = spawnSync('grep', ['-c', 'bin/node', join(directory, 'trace')], { encoding: 'utf8' })
    assert.equal(trace.stdout, '0\n')
  })

  test('a signal to the process is one to the command', async () => {
    run(['run', 'hello'])
    const child = spawn(
      baryon,
      ['run', 'hello', 'sh', '-c', "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done"],
      {
        cwd: project,
        env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: root },
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    await new Promise((done) => child.stdout.once('data', done))
    child.kill('SIGTERM')
    const status = await new Promise((done) => child.on('close', done))
    // proot is a process above the command and dies of the signal itself.
    assert.ok(status === 5 || tiers[0]?.tier.kind === 'proot', String(status))
  })

  test('several packages at once', () => {
    const result = run(['exec', 'hello', 'Other', '--', 'sh', '-c', 'hello; other'])
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stdout, /hello 1\.1[\s\S]*other 2\.5/)
  })

  for (const shell of ['bash', 'zsh', 'fish', 'sh', 'tcsh']) {
    test(`a shell: ${shell}`, { skip: isOnPath(shell) ? false : `${shell} is not installed` }, () => {
      const result = run(['shell', 'hello', '--shell', shell, '--command', 'hello; echo $CPATH'])
      assert.equal(result.status, 0, result.stderr)
      assert.match(
        result.stdout,
        /hello 1\.1[\s\S]*\/baryon-run\.example\.org\/nix\/store\/\w{32}-hello-1\.1\/include\n$/,
      )
    })
  }

  test('an interactive tcsh has its own files, the prompt mark and its home', {
    skip: isOnPath('tcsh') ? false : 'tcsh is not installed',
  }, () => {
    const home = join(directory, "it's home")
    mkdirSync(home)
    writeFileSync(join(home, '.tcshrc'), 'set prompt = "mine> "\nalias hi echo hi-there\n')
    const input = 'echo "<$prompt>"\nif ("$HOME" == "$home") echo same "$HOME"\nhi\nhello\n'
    const shown = (...more: readonly string[]) =>
      run(['shell', ...more, 'hello', '--shell', 'tcsh'], { environment: { HOME: home }, input }).stdout
    const own = shown()
    assert.match(own, /<\[hello\] mine> >\n/)
    assert.ok(own.includes(`same ${home}\n`), own)
    assert.match(own, /hi-there\n[\s\S]*hello 1\.\d x86/)
    const pure = shown('--pure')
    assert.match(pure, /<\[hello\] [^m]/)
    assert.doesNotMatch(pure, /hi-there/)
    assert.match(pure, /hello 1\.\d x86/)
  })

  test('the activation can be printed', () => {
    const printed = run(['shell', 'hello', '--print', '--shell', 'bash']).stdout
    assert.match(printed, /^export PATH=\/baryon-run/m)
    assert.match(printed, /^baryon_deactivate\(\) \{$/m)
    const record = JSON.parse(run(['shell', 'hello', '--print', '--json']).stdout) as { paths: string[] }
    assert.equal(record.paths.length, 1)
  })

  test('a tier that is asked for by name', () => {
    for (const { tier } of tiers) {
      const word = tier.kind === 'proot' ? 'proot' : 'userns'
      assert.match(run(['run', '--sandbox', word, 'hello']).stdout, /hello 1\.1/)
    }
    assert.equal(run(['run', '--sandbox', 'nonsense', 'hello']).status, 2)
  })
})
