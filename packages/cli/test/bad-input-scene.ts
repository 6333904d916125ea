/** What the tests of bad input share: `baryon` as a process of a user that is not root, with a store of its own. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type OrdinaryUser, ordinaryUser } from '@baryon/testing'

export const storeDirectory = '/baryon-bad-input.example.org/store'
export const baryon: string = resolve(import.meta.dirname, '../../../bin/baryon')

export interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Scene {
  readonly user: OrdinaryUser
  readonly root: string
  /** The physical store directory. */
  readonly physical: string
  run(words: readonly string[], options?: RunOptions): Result
  /** `baryon build --no-link --expr EXPRESSION`. */
  build(expression: string, words?: readonly string[], options?: RunOptions): Result
  start(words: readonly string[]): ChildProcess
  /** No problem in the store, nothing half made beside it, nothing left in the user's temporary directory. */
  assertClean(): void
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** A command that runs what follows it. */
  readonly wrapper?: readonly string[]
}

export function createScene(cleanup: Parameters<typeof ordinaryUser>[0]): Scene {
  const user = ordinaryUser(cleanup)
  const root = join(user.home, 'root')
  const physical = root + storeDirectory
  const environment = { BARYON_ROOT: root, BARYON_STORE_DIR: storeDirectory }
  const run: Scene['run'] = (words, { wrapper = [], ...options } = {}) => {
    const [program, ...args] = [...wrapper, baryon, ...words]
    const result = user.run(program!, args, { ...options, environment: { ...environment, ...options.environment } })
    if (result.error !== undefined) throw result.error
    return { status: result.status, stdout: result.stdout, stderr: result.stderr }
  }
  return {
    user,
    root,
    physical,
    run,
    build: (expression, words = [], options = {}) =>
      run(['build', '--no-link', '--expr', expression, ...words], options),
    start: (words) =>
      user.spawn(baryon, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment }),
    assertClean() {
      const verified = run(['store', 'verify', '--check-contents'])
      assert.equal(verified.status, 0, verified.stdout + verified.stderr)
      const own = join(physical, '../var/baryon')
      const half = [...names(join(own, 'build')), ...names(physical).filter((name) => name.includes('tmp'))]
      assert.deepEqual(half, [])
      assert.deepEqual(
        readdirSync(user.home).filter((name) => name.startsWith('baryon-')),
        [],
      )
    },
  }
}

/** The text of a derivation whose builder is `/bin/sh -c SCRIPT`. */
export function derivation(name: string, script: string, more = ''): string {
  return `derivation {
    name = "${name}"; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin";
    args = [ "-c" ''${script}'' ]; ${more}
  }`
}

/** The status, the coded error, its message, and that there is a hint. */
export function assertError(result: Result, status: number, code: string, message: RegExp, hint = /./): void {
  const said = `status ${result.status}\n${result.stdout}${result.stderr}`
  assert.equal(result.status, status, said)
  const match = new RegExp(`^error\\[(?:${code})\\]: ([\\s\\S]*?)\\nhint: (.*)\\n`, 'm').exec(result.stderr)
  assert.ok(match !== null, `no error[${code}] with a hint:\n${said}`)
  assert.match(match[1]!, message)
  assert.match(match[2]!, hint)
  // A pipe gets no colours and no cursor movements.
  assert.doesNotMatch(result.stderr, /[\x00-\x08\x0b-\x1f\x7f]/)
}

export function assertOk(result: Result): string {
  assert.equal(result.status, 0, `${result.stdout}${result.stderr}`)
  return result.stdout.trim()
}

/** Waits until no process has the word in its command line. */
export async function assertGone(word: string): Promise<void> {
  for (let round = 0; round < 100 && processesWith(word).length > 0; round++) await delay(50)
  assert.deepEqual(processesWith(word), [])
}

/** Whether a process has the word in its command line. */
export function isRunning(word: string): boolean {
  return processesWith(word).length > 0
}

function processesWith(word: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(word))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    // It has ended.
    return ''
  }
}

function names(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : []
}

/** A directory that the user may enter and write to, whoever makes it. */
export function openDirectory(path: string): string {
  mkdirSync(path)
  chmodSync(path, 0o777)
  return path
}

/** A wrapper: `set-up`, a shell script, is run as root of a user namespace; then the command, without that power. */
export function inNamespace(setUp: string): readonly string[] {
  const drop = 'exec setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs "$@"'
  return ['unshare', '-Urm', 'sh', '-ec', `${setUp}\n${drop}`, 'sh']
}

/** Why namespaces of an ordinary user cannot be used here, for the `skip` option. */
export function withoutNamespace(user: OrdinaryUser): string | false {
  return user.run('unshare', ['-Urm', 'true']).status === 0 ? false : 'user namespaces do not work here'
}

/** Statements that make programs of the host unusable. */
export function hide(...programs: readonly string[]): string {
  return `for p in ${programs.join(' ')}; do
    for d in /usr/local/bin /usr/bin /bin /usr/sbin /sbin; do
      if [ -e $d/$p ]; then mount --bind /dev/null "$(readlink -f $d/$p)"; fi
    done
  done`
}

/** A word for sh. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
