/** The scripts of a release, each read by the real shell. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isOnPath, temporaryDirectory } from '@baryon/testing'
import { formatActivationScript, formatRunShim } from '../src/release/activation-script.ts'
import { formatXenv } from '../src/release/lcg.ts'
import { moduleLanguages } from '../src/release/module-file.ts'
import { type ShellName, shellNamed, shellNames } from '../src/shell.ts'
import { hardValues, testManifest } from './release-manifest.ts'

const data = join(import.meta.dirname, 'data')

test('the scripts are the golden ones', () => {
  const manifest = testManifest(
    {
      HEP_DATA: '@view@/share',
      QUOTED: `it's "5"!\\`,
      MANPATH: { prepend: ['/first'], append: ['@view@/man', '/last'], separator: ':' },
    },
    'analysis',
  )
  const files = new Map([
    ['run', formatRunShim(manifest)],
    ['HEP.xenv', formatXenv(manifest)],
    ...shellNames
      .map(shellNamed)
      .map((shell) => [`activate.${shell.extension}`, formatActivationScript(shell, manifest)] as const),
    ...moduleLanguages.map((language) => [`module.${language.name}`, language.format(manifest)] as const),
  ])
  for (const [name, text] of files) {
    const golden = join(data, name)
    if (process.env.BARYON_ACCEPT) {
      mkdirSync(data, { recursive: true })
      writeFileSync(golden, text)
    }
    assert.equal(text, readFileSync(golden, 'utf8'), `${name}: run with BARYON_ACCEPT=1 to accept`)
  }
})

/** Words that make each shell read a file, and nothing of the user; the strict ones end at the first fault. */
const readers: Readonly<Record<ShellName, readonly (readonly string[])[]>> = {
  sh: [['dash'], ['dash', '-eu']],
  bash: [
    ['bash', '--norc'],
    ['bash', '--norc', '-eu'],
    ['bash', '--posix'],
  ],
  zsh: [
    ['zsh', '-f'],
    ['zsh', '-f', '-eu'],
  ],
  fish: [['fish', '--no-config']],
  tcsh: [
    ['tcsh', '-f'],
    ['tcsh', '-f', '-e'],
  ],
}

for (const name of shellNames) {
  const missing = readers[name].map(([program]) => program!).find((program) => !isOnPath(program))
  describe(name, { skip: missing === undefined ? false : `${missing} is not installed` }, () => {
    const shell = shellNamed(name)

    test('all values arrive, and none is evaluated', (t) => {
      const directory = temporaryDirectory(t)
      const canary = join(directory, 'canary')
      const manifest = testManifest(hardValues(canary))
      const script = join(directory, `activate.${shell.extension}`)
      writeFileSync(script, formatActivationScript(shell, manifest))
      for (const words of readers[name]) {
        const result = environmentAfter(words, shell.name === 'sh' ? `. ${script}` : `source ${script}`, directory)
        for (const change of manifest.changes) {
          if (change.kind === 'set')
            assert.equal(result.get(change.variable), change.value, `${words}: ${change.variable}`)
        }
        assert.equal(result.get('HARD_26'), `${manifest.view}/share`)
        assert.equal(result.get('PATH'), `${manifest.view}/bin:${manifest.view}/sbin:${process.env.PATH}`)
        assert.equal(result.get('MANPATH'), `${manifest.view}/share/man:`)
        assert.equal(existsSync(canary), false, words.join(' '))
      }
    })
  })
}

describe('the run shim', () => {
  test('gives a command all values, its arguments and its status', (t) => {
    const directory = temporaryDirectory(t)
    const canary = join(directory, 'canary')
    const manifest = testManifest(hardValues(canary))
    const shim = join(directory, 'run')
    writeFileSync(shim, formatRunShim(manifest), { mode: 0o755 })
    const run = (...words: readonly string[]) =>
      spawnSync(shim, words, { encoding: 'utf8', cwd: directory, env: { PATH: process.env.PATH } })
    const environment = parseEnvironment(run('env', '-0').stdout)
    for (const change of manifest.changes) {
      if (change.kind === 'set') assert.equal(environment.get(change.variable), change.value, change.variable)
    }
    const hard = ["it's", '', '$(touch canary)', '`touch canary`', 'new\nline', '--']
    assert.equal(run('printf', '<%s>', ...hard).stdout, hard.map((word) => `<${word}>`).join(''))
    assert.equal(run('sh', '-c', 'exit 7').status, 7)
    assert.equal(run('sh', '-c', 'kill -9 $$').signal, 'SIGKILL')
    assert.equal(run('nonesuch').status, 127)
    assert.equal(run().status, 2)
    assert.equal(existsSync(canary), false)
  })

  test('runs the program of the release when there is no command', (t) => {
    const shim = join(temporaryDirectory(t), 'run')
    writeFileSync(shim, formatRunShim(testManifest({}, 'echo')), { mode: 0o755 })
    assert.deepEqual(spawnSync(shim, { encoding: 'utf8' }).stdout, '\n')
  })
})

function environmentAfter(words: readonly string[], line: string, directory: string): Map<string, string> {
  const file = join(directory, 'script')
  writeFileSync(file, `${line}\nenv -0\n`)
  const [program, ...options] = words
  const result = spawnSync(program!, [...options, file], {
    encoding: 'utf8',
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8' },
  })
  assert.equal(result.stderr, '', words.join(' '))
  assert.equal(result.status, 0, words.join(' '))
  return parseEnvironment(result.stdout)
}

function parseEnvironment(text: string): Map<string, string> {
  return new Map(
    text.split('\0').map((line): [string, string] => {
      const equals = line.indexOf('=')
      return [line.slice(0, equals), line.slice(equals + 1)]
    }),
  )
}
