/** `baryon run --record` and `--replay`, on a small stack with a store at a path that no host has. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listTiers } from '@baryon/environment'
import { removeTree } from '@baryon/store'

const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon record-')))
const project = join(directory, 'my projéct')
const root = join(directory, 'root')
const storeDirectory = '/baryon-record.example.org/nix/store'
after(() => removeTree(directory))

const recipe = `
{
  count = derivation {
    name = "count-1.0"; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ ./builder.sh ];
    data = builtins.toFile "data" "data";
  };
}
`
/** Counts the bytes of its files into DIR/counts, or says what it was told; uses what only its closure has. */
const builder = `
mkdir -p $out/bin
cat > $out/bin/count <<X
#!/bin/sh
case \\$1 in
  wait) echo begun > begun; while :; do sleep 0.1; done ;;
  random) cat /proc/sys/kernel/random/uuid > random; exit 0 ;;
  read) cat; exit 0 ;;
esac
directory=\\$1; shift
mkdir -p "\\$directory"
cat $data "\\$@" | wc -c > "\\$directory/counts"
echo counted
exit \\\${STATUS:-0}
X
chmod +x $out/bin/count
`

interface Options {
  readonly cwd?: string
  readonly root?: string
  readonly input?: string
}

function run(words: readonly string[], options: Options = {}) {
  return spawnSync(baryon, words, {
    encoding: 'utf8',
    cwd: options.cwd ?? project,
    input: options.input ?? '',
    env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: options.root ?? root },
  })
}

function runInShell(line: string, cwd = project) {
  return spawnSync('sh', ['-c', line, baryon], {
    encoding: 'utf8',
    cwd,
    env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: root },
  })
}

function recordAt(name: string) {
  return JSON.parse(readFileSync(join(project, name), 'utf8')) as Record<string, unknown> & {
    closure: { path: string; hash: string }[]
  }
}

function sri(...words: readonly string[]): string {
  const digest = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8' }).stdout.slice(0, 64)
  return `sha256-${Buffer.from(digest, 'hex').toString('base64')}`
}

const works = [...listTiers('auto')].some((one) => one.works)

describe('a recorded run', { skip: works ? false : 'no way to show a store works here' }, () => {
  before(() => {
    mkdirSync(project)
    writeFileSync(join(project, 'default.nix'), recipe)
    writeFileSync(join(project, 'builder.sh'), builder)
    writeFileSync(join(project, 'baryon.toml'), `store-dir = "${storeDirectory}"\nstack = "default.nix"\n`)
    writeFileSync(join(project, 'events ä.dat'), 'events')
  })

  test('says what ran and what came of it', () => {
    const result = run(['run', '--record', 'run.json', 'STATUS=3', 'count', 'count', 'my plots', 'events ä.dat'])
    assert.equal(result.status, 3, result.stderr)
    assert.equal(result.stdout, 'counted\n')
    const record = recordAt('run.json')
    assert.deepEqual(record.command, ['count', 'my plots', 'events ä.dat'])
    assert.deepEqual(record.assignments, [['STATUS', '3']])
    assert.equal(record.status, 3)
    const file = (path: string) => ({
      path,
      hash: sri('sha256sum', join(project, path)),
      size: readFileSync(join(project, path)).length,
    })
    assert.deepEqual(record.inputs, [file('events ä.dat')])
    assert.deepEqual(record.outputs, [file('my plots/counts')])
    assert.deepEqual(record.closure.map(({ path }) => path.slice(storeDirectory.length + 34)).sort(), [
      'count-1.0',
      'data',
    ])
    for (const { path, hash } of record.closure) {
      assert.equal(hash, sri('nix-hash', '--type', 'sha256', join(root, path)))
    }
  })

  test('gives the same again, also in another directory', () => {
    const again = run(['run', '--replay', 'run.json'])
    assert.match(again.stderr, /^replayed: status 3 and 1 output as recorded$/m)
    assert.equal(again.status, 3)
    const elsewhere = join(directory, 'elsewhere')
    mkdirSync(elsewhere)
    copyFileSync(join(project, 'events ä.dat'), join(elsewhere, 'events ä.dat'))
    const other = run(['run', '--replay', join(project, 'run.json')], { cwd: elsewhere })
    assert.match(other.stderr, /^replayed: /m)
    assert.ok(existsSync(join(elsewhere, 'my plots/counts')))
  })

  test('runs from the hashes alone, without the stack', () => {
    const [cache, key] = [join(directory, 'cache'), join(directory, 'key')]
    const publicKey = run(['cache', 'create-key', 'record-1', '--out', key]).stdout.trim()
    const { environment } = recordAt('run.json') as unknown as { readonly environment: readonly string[] }
    const pushed = run(['cache', 'push', cache, '--store-dir', storeDirectory, '--key', key, ...environment])
    assert.equal(pushed.status, 0, pushed.stderr)
    const elsewhere = join(directory, 'elsewhere')
    const words = ['run', '--replay', join(project, 'run.json')]
    const fresh = { cwd: elsewhere, root: join(directory, 'other root') }
    const without = run(words, fresh)
    assert.equal(without.status, 1)
    assert.match(without.stderr, /^error\[/m)
    const result = run([...words, '--substituter', `file://${cache}`, '--trusted-public-key', publicKey], fresh)
    assert.equal(result.status, 3, result.stderr)
    assert.match(result.stderr, /^replayed: status 3/m)
  })

  test('what differs is said', () => {
    writeFileSync(join(project, 'events ä.dat'), 'other events')
    const changed = run(['run', '--replay', 'run.json'])
    assert.equal(changed.status, 1)
    assert.match(changed.stderr, /error\[REPLAY_INPUT\]: .*\n {2}events ä\.dat: recorded sha256-\S+, now sha256-/)
    writeFileSync(join(project, 'events ä.dat'), 'events')

    assert.equal(run(['run', '--record', 'random.json', 'count', 'count', 'random']).status, 0)
    const random = run(['run', '--replay', 'random.json', '--record', 'second.json'])
    assert.equal(random.status, 1)
    assert.match(random.stderr, /error\[REPLAY_DIFFERENT\]: .*\n {2}random: recorded/)
    assert.deepEqual(recordAt('second.json').command, ['count', 'random'])

    const record = recordAt('run.json')
    const [first] = record.closure
    const forged = {
      ...record,
      closure: [{ ...first!, hash: `sha256-${'A'.repeat(43)}=` }, ...record.closure.slice(1)],
    }
    writeFileSync(join(project, 'forged.json'), JSON.stringify(forged))
    assert.match(run(['run', '--replay', 'forged.json']).stderr, /error\[REPLAY_CLOSURE\]/)
  })

  test('redirected streams belong to it', () => {
    const line = '"$0" run --record streams.json count count read < "events ä.dat" > "read me"'
    assert.equal(runInShell(line).status, 0)
    const { standardInput, standardOutput } = recordAt('streams.json') as Record<string, { path: string }>
    assert.deepEqual([standardInput?.path, standardOutput?.path], ['events ä.dat', 'read me'])
    const unseen = run(['run', '--replay', 'streams.json'])
    assert.equal(unseen.stdout, 'events')
    assert.match(unseen.stderr, /not compared/)
    const seen = runInShell('"$0" run --replay streams.json > again')
    assert.doesNotMatch(seen.stderr, /not compared/)
    assert.equal(readFileSync(join(project, 'again'), 'utf8'), 'events')
  })

  test('is written when a signal ends the command', async () => {
    const child = spawn(baryon, ['run', '--record', 'ended.json', 'count', 'count', 'wait'], {
      cwd: project,
      env: { PATH: process.env.PATH, HOME: directory, BARYON_ROOT: root },
      stdio: 'ignore',
    })
    const ended = new Promise((done) => child.on('close', done))
    while (!existsSync(join(project, 'begun'))) await new Promise((done) => setTimeout(done, 20))
    child.kill('SIGTERM')
    assert.equal(await ended, 143)
    assert.equal(recordAt('ended.json').status, 143)
  })

  test('records that are none, and places for none', () => {
    const cases: Readonly<Record<string, string>> = {
      'not JSON': '{',
      'no object': '[]',
      version: '{"version":2}',
      'a command of numbers': JSON.stringify({ ...recordAt('run.json'), command: [1] }),
      'no environment': JSON.stringify({ ...recordAt('run.json'), environment: [] }),
      'a name of a variable': JSON.stringify({ ...recordAt('run.json'), assignments: [['$(touch x)', '']] }),
    }
    for (const [what, text] of Object.entries(cases)) {
      writeFileSync(join(project, 'bad.json'), text)
      const result = run(['run', '--replay', 'bad.json'])
      assert.equal(result.status, 1, what)
      assert.match(result.stderr, /^error\[RUN_RECORD_INVALID\]/, what)
    }
    assert.match(run(['run', '--replay', 'nonesuch.json']).stderr, /error\[RUN_RECORD_MISSING\]/)
    assert.match(run(['run', '--record', 'none/such.json', 'count']).stderr, /error\[RUN_RECORD_UNWRITABLE\]/)
    assert.equal(run(['run', '--replay', 'run.json', 'count']).status, 2)
  })
})
