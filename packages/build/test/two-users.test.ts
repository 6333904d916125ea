/** Two users without rights share what they have; the one cannot make the other use what does not verify. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatPublicKey, formatSecretKey, generateKeyPair } from '@baryon/format'
import { temporaryDirectory } from '@baryon/testing'

const skip = process.geteuid!() === 0 ? false : 'needs root to become two users'
const ALICE = 65534
const BOB = 65533
const worker = join(import.meta.dirname, 'neighbour-worker.ts')

interface Built {
  readonly built: readonly string[]
  readonly copied: readonly string[]
  readonly text: string
  readonly problems: readonly unknown[]
  readonly notices: readonly string[]
}

function homes(t: TestContext) {
  const base = temporaryDirectory(t)
  chmodSync(base, 0o755)
  return (uid: number, name: string): string => {
    const home = join(base, name)
    mkdirSync(home)
    chownSync(home, uid, uid)
    return home
  }
}

interface Manner {
  readonly umask?: string
  /** Waits after each renaming: whoever watches has time. */
  readonly slow?: boolean
}

function start(
  uid: number,
  home: string,
  words: readonly string[],
  { umask = '022', slow = false }: Manner,
): ChildProcess {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs']
  const tracer = slow
    ? ['strace', '-f', '-o', '/dev/null', '-e', 'trace=rename', '-e', 'inject=rename:delay_exit=400000']
    : []
  const command = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...tracer, process.execPath, worker, ...words]
  return spawn('setpriv', [...user, '--', ...command], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs the worker in a process of that user, and gives what it prints or the code of its error. */
async function as<T>(uid: number, home: string, words: readonly string[], manner: Manner = {}): Promise<T> {
  const child = start(uid, home, words, manner)
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  const [status] = await once(child, 'close')
  assert.equal(status, 0, texts.stderr)
  return JSON.parse(texts.stdout) as T
}

test('what proves itself is copied from a neighbour, the rest when somebody is trusted', { skip }, async (t) => {
  const home = homes(t)
  const alice = home(ALICE, 'alice')
  const honest = await as<Built>(ALICE, alice, ['build', alice], { umask: '002' })
  assert.deepEqual(honest.built, ['dependency', 'fixed', 'top'])
  const key = generateKeyPair('alice-1')
  const build = (name: string, neighbour: object) =>
    as<Built>(BOB, home(BOB, name), [
      'build',
      join(alice, `../${name}`),
      JSON.stringify([{ root: alice, ...neighbour }]),
    ])

  const stranger = await build('bob-alone', {})
  assert.deepEqual(
    [stranger.built, stranger.copied, stranger.text],
    [['dependency', 'top'], ['fixed'], 'honest\nfixed\n'],
  )
  const trusting = await build('bob-trusting', { owners: [ALICE] })
  assert.deepEqual([trusting.built, trusting.copied, trusting.text], [[], ['top'], 'honest\nfixed\n'])
  await as(ALICE, alice, ['sign', alice, formatSecretKey(key)])
  const keyed = await build('bob-keyed', { keys: [formatPublicKey(key.publicKey)] })
  assert.deepEqual([keyed.built, keyed.copied, keyed.text], [[], ['top'], 'honest\nfixed\n'])
  for (const { problems } of [stranger, trusting, keyed]) assert.deepEqual(problems, [])

  // From here on Alice is hostile. Her old signatures do not fit what she has now, nor do her contents their addresses.
  await as(ALICE, alice, ['forge', alice])
  const keys = [formatPublicKey(key.publicKey)]
  const attacked = await build('bob-attacked', { keys })
  assert.deepEqual(
    [attacked.built, attacked.text, attacked.problems],
    [['dependency', 'fixed', 'top'], 'honest\nfixed\n', []],
  )
  assert.match(attacked.notices.join('\n'), /hash mismatch of '[^']*-fixed'/)
  // An owner is believed only where nobody else can write.
  const database = join(alice, 'cvmfs/build.test/nix/var/nix/db')
  chmodSync(database, 0o777)
  const careful = await build('bob-careful', { owners: [ALICE] })
  assert.deepEqual([careful.built, careful.text], [['dependency', 'fixed', 'top'], 'honest\nfixed\n'])
  chmodSync(database, 0o755)
  // What had been copied is Bob's own.
  const again = await as<Built>(BOB, alice, ['build', join(alice, '../bob-trusting')])
  assert.deepEqual([again.built, again.text, again.problems], [[], 'honest\nfixed\n', []])
})

test('what a neighbour changes without its database is not copied', { skip }, async (t) => {
  const home = homes(t)
  const [alice, bob] = [home(ALICE, 'alice'), home(BOB, 'bob')]
  await as(ALICE, alice, ['build', alice])
  const change = `for f in ${alice}/cvmfs/build.test/nix/store/*-fixed ${alice}/cvmfs/build.test/nix/store/*-top/text; do chmod 644 $f; echo changed > $f; chmod 444 $f; done`
  assert.equal(spawnSync('setpriv', [`--reuid=${ALICE}`, '--clear-groups', 'sh', '-c', change]).status, 0)
  const result = await as<Built>(BOB, bob, ['build', bob, JSON.stringify([{ root: alice, owners: [ALICE] }])])
  assert.deepEqual([result.text, result.problems], ['honest\nfixed\n', []])
  assert.ok(result.built.includes('top'))
  assert.match(result.notices.join('\n'), /is not what its database says/)
})

test('nobody gets hold of a file of a store while it can be written', { skip }, async (t) => {
  const home = homes(t)
  const [alice, bob] = [home(ALICE, 'alice'), home(BOB, 'bob')]
  // Bait: proof that the attack would see an open file.
  writeFileSync(join(bob, 'bait'), '')
  chmodSync(join(bob, 'bait'), 0o666)
  const attack = as<{ tries: number; opened: string[] }>(ALICE, alice, ['attack', bob, '30'])
  const built = await as<Built>(BOB, bob, ['build', bob], { umask: '000', slow: true })
  assert.deepEqual([built.text, built.problems], ['honest\nfixed\n', []])
  const { tries, opened } = await attack
  assert.ok(tries > 1000, `${tries} tries`)
  assert.deepEqual(opened, [join(bob, 'bait')])
})

test('a store that others can write to is not worked with', { skip }, async (t) => {
  const home = homes(t)
  const [alice, bob] = [home(ALICE, 'alice'), home(BOB, 'bob')]
  await as(ALICE, alice, ['build', alice])
  await assert.rejects(as(BOB, bob, ['build', alice]), /belongs to user 65534, who could change what your builds use/)
  await as(BOB, bob, ['build', bob], { umask: '000' })
  const store = join(bob, 'cvmfs/build.test/nix/store')
  chmodSync(store, 0o775)
  await assert.rejects(as(BOB, bob, ['build', bob]), /others may write to/)
  chmodSync(store, 0o755)
  chmodSync(join(bob, 'cvmfs'), 0o777)
  await assert.rejects(as(BOB, bob, ['build', bob]), /others may write to '.*\/cvmfs'/)
  chmodSync(join(bob, 'cvmfs'), 0o755)
  await as(BOB, bob, ['build', bob])
})
