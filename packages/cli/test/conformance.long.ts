/**
 * The conformance suite of Nix (`tests/functional/lang` of its sources) through `bin/nix-instantiate`. The suite is not
 * part of this repository: set `NIX_SRC` to a checkout of the version that `NEWEST_NIX_VERSION` names.
 *
 * `data/conformance-not-yet.txt` lists what does not pass, a line each: `NAME what: why`. What is `result` (exit status or
 * standard output), or `reason` (it fails as it must, but with another message). A test that is listed and passes is a
 * failure of this one: take it off the list.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const sources = process.env.NIX_SRC
const suite = sources === undefined ? undefined : join(sources, 'tests/functional/lang')
const skip = suite !== undefined && existsSync(suite) ? false : 'NIX_SRC is not set to the sources of Nix'
const program = fileURLToPath(new URL('../../../bin/nix-instantiate', import.meta.url))

type Verdict = 'passes' | 'result' | 'reason'

describe('the conformance suite of Nix', { skip, concurrency: 2 }, () => {
  if (skip !== false || suite === undefined) return
  const scene = mkdtempSync(join(tmpdir(), 'conformance-'))
  after(() => rmSync(scene, { recursive: true, force: true }))
  cpSync(suite, join(scene, 'lang'), { recursive: true, verbatimSymlinks: true })
  mkdirSync(join(scene, 'conf'))
  writeFileSync(join(scene, 'conf/nix.conf'), 'show-trace = true\n')
  const notYet = readList()
  const names = readdirSync(suite)
    .filter((name) => /^(?:parse|eval)-(?:okay|fail)-.*\.nix$/.test(name))
    .map((name) => name.slice(0, -'.nix'.length))
    .filter((name) => !existsSync(join(suite, `${name}.exp-disabled`)))

  test('the list names only tests that there are', () => {
    assert.deepEqual(
      [...notYet.keys()].filter((name) => !names.includes(name)),
      [],
    )
  })

  for (const name of names) {
    test(name, async () => {
      const { verdict, details } = await judge(scene, name)
      const expected = notYet.get(name) ?? 'passes'
      if (verdict === expected) return
      assert.fail(verdict === 'passes' ? 'it passes now: take it off the list' : `${verdict}: ${details}`)
    })
  }
})

function readList(): Map<string, Verdict> {
  const text = readFileSync(new URL('data/conformance-not-yet.txt', import.meta.url), 'utf8')
  const list = new Map<string, Verdict>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const match = /^(\S+) (result|reason): \S/.exec(line)
    assert.ok(match, `not NAME what: why: ${line}`)
    list.set(match[1]!, match[2] as Verdict)
  }
  return list
}

async function judge(scene: string, name: string): Promise<{ readonly verdict: Verdict; readonly details: string }> {
  const file = `lang/${name}.nix`
  const read = (ending: string): string | undefined => {
    const path = join(scene, `lang/${name}.${ending}`)
    return existsSync(path) ? readFileSync(path, 'latin1') : undefined
  }
  const flags = read('flags')
    ?.replace(/#.*/g, '')
    .split(/\s+/)
    .filter((word) => word !== '')
  const fails = name.includes('-fail-')
  const xml = read('exp.xml')
  let words: string[]
  if (name.startsWith('parse-')) words = ['--parse', '-']
  else if (fails) words = [...(flags ?? ['--eval', '--strict', '--show-trace']), file]
  else if (xml !== undefined) words = ['--eval', '--xml', '--no-location', '--strict', file]
  else words = [...(flags ?? []), '--eval', '--strict', file]
  const okay = name.startsWith('eval-okay-') ? { NIX_PATH: 'lang/dir3:lang/dir4', HOME: '/fake-home' } : {}
  const input = name.startsWith('parse-') ? readFileSync(join(scene, file)) : ''
  const outcome = await run(scene, words, okay, input)
  const shown = outcome.stderr.slice(0, 600)
  if (outcome.status !== (fails ? 1 : 0))
    return { verdict: 'result', details: `exit status ${outcome.status}\n${shown}` }
  if (!fails) {
    const expected = xml ?? read('exp') ?? ''
    return outcome.stdout === expected
      ? { verdict: 'passes', details: '' }
      : { verdict: 'result', details: `wrote ${outcome.stdout.slice(0, 600)}` }
  }
  const wanted = reason(read('err.exp') ?? '')
  return wanted === reason(outcome.stderr)
    ? { verdict: 'passes', details: '' }
    : { verdict: 'reason', details: `says ${reason(outcome.stderr)}\nwant ${wanted}` }
}

/** The message of an error without its place and trace; today's Nix puts it last, 2.8 first. */
function reason(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const message = lines.findLast((line) => /^error: ?\S/.test(line)) ?? ''
  return message.replace(/^error: */, '')
}

function run(
  scene: string,
  words: readonly string[],
  more: Readonly<Record<string, string>>,
  input: string | Buffer,
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: scene,
      env: {
        PATH: process.env.PATH,
        HOME: join(scene, 'home'),
        TEST_VAR: 'foo',
        TEST_ROOT: scene,
        NIX_REMOTE: 'dummy://',
        NIX_STORE_DIR: '/nix/store',
        NIX_CONF_DIR: join(scene, 'conf'),
        NIX_STATE_DIR: join(scene, 'state'),
        NIX_LOG_DIR: join(scene, 'log'),
        XDG_CACHE_HOME: join(scene, 'cache'),
        ...more,
      },
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk) => stdout.push(chunk))
    child.stderr.on('data', (chunk) => stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (status) => {
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('latin1').replaceAll(scene, '/pwd')
      resolve({ status, stdout: text(stdout), stderr: text(stderr) })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
