import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { separators } from './change.ts'
import { type ShellName, shellNamed, shellNames } from './shell.ts'

const directory = mkdtempSync(join(tmpdir(), 'baryon-shell-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const hardValues = [
  'plain',
  '',
  "it's",
  "'",
  "''",
  '"double"',
  'back\\slash',
  'ends in backslash\\',
  "\\'",
  'new\nline',
  '\n',
  'tab\there',
  '$HOME ${HOME} $(id) `id`',
  '!history !! !$',
  'bang!',
  '*?[a-z]{a,b}',
  '~root',
  '# comment',
  '; echo no & | < >',
  'two  blanks ',
  ' leading',
  '-n',
  '%d %s',
  '=ls',
  'ünïcödé ∫ 猫',
  '(parentheses)',
]

/** Runs statements in the real shell and gives the environment that they leave. */
function environmentAfter(
  name: ShellName,
  script: string,
  environment: Record<string, string> = {},
): Map<string, string> {
  const file = join(directory, `script.${name}`)
  writeFileSync(file, `${script}\nenv -0\n`)
  const options = { fish: ['--no-config'], tcsh: ['-f'], zsh: ['-f'] }[name as string] ?? []
  const result = spawnSync(name, [...options, file], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8', ...environment },
  })
  assert.equal(result.stderr, '', `${name} says`)
  return new Map(
    result.stdout
      .split('\0')
      .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

for (const name of shellNames) {
  const missing = spawnSync(name, ['-c', 'exit 0']).error !== undefined
  describe(name, { skip: missing ? `${name} is not installed` : false }, () => {
    const shell = shellNamed(name)

    test('every hard value arrives unchanged', () => {
      const script = hardValues.map((value, index) => shell.set(`BARYON_${index}`, value)).join('')
      const environment = environmentAfter(name, script)
      hardValues.forEach((value, index) => {
        assert.equal(environment.get(`BARYON_${index}`), value)
      })
    })

    test('any value arrives unchanged', () => {
      const value = fc
        .string({ unit: 'grapheme-composite' })
        .filter((text) => !text.includes('\0') && text.isWellFormed())
      fc.assert(
        fc.property(fc.array(value, { minLength: 20, maxLength: 30 }), (values) => {
          const script = values.map((text, index) => shell.set(`BARYON_${index}`, text)).join('')
          const environment = environmentAfter(name, script)
          values.forEach((text, index) => {
            assert.equal(environment.get(`BARYON_${index}`), text)
          })
        }),
        { numRuns: 8 },
      )
    })

    test('prepending leaves no empty element', () => {
      for (const variable of ['BARYON_PATH', 'BARYON_DIRS']) {
        const script = shell.prepend(variable, '/new one:/b')
        assert.equal(environmentAfter(name, script).get(variable), '/new one:/b')
        assert.equal(environmentAfter(name, script, { [variable]: '' }).get(variable), '/new one:/b')
        assert.equal(
          environmentAfter(name, script, { [variable]: "/old $x '!:/c" }).get(variable),
          "/new one:/b:/old $x '!:/c",
        )
        const twice = script + shell.prepend(variable, '/first')
        assert.equal(environmentAfter(name, twice, { [variable]: '/old' }).get(variable), '/first:/new one:/b:/old')
      }
    })

    test('a default stands in for what is unset', () => {
      const script =
        shell.prepend('BARYON_PATH', '/a b', ':', '/usr/bin:/bin') + shell.prepend('BARYON_MAN', '/m', ':', '')
      const environment = environmentAfter(name, script)
      assert.equal(environment.get('BARYON_PATH'), '/a b:/usr/bin:/bin')
      assert.equal(environment.get('BARYON_MAN'), '/m:')
      assert.equal(environmentAfter(name, script, { BARYON_PATH: '/x' }).get('BARYON_PATH'), '/a b:/x')
    })

    test('appending leaves no empty element, and comes behind a default', () => {
      for (const [variable, separator] of [
        ['BARYON_PATH', ':'],
        ['BARYON_DIRS', ':'],
        ...separators.map((one) => ['BARYON_FLAGS', one] as const),
      ] as const) {
        const script = shell.append(variable, "/new 'one!", separator)
        assert.equal(environmentAfter(name, script).get(variable), "/new 'one!")
        assert.equal(environmentAfter(name, script, { [variable]: '' }).get(variable), "/new 'one!")
        const old = "/old $x '!"
        assert.equal(
          environmentAfter(name, script, { [variable]: old }).get(variable),
          `${old}${separator}/new 'one!`,
          separator,
        )
        const both = script + shell.prepend(variable, '/first', separator)
        const expected = ['/first', old, "/new 'one!"].join(separator)
        assert.equal(environmentAfter(name, both, { [variable]: old }).get(variable), expected)
      }
      const script =
        shell.append('BARYON_PATH', '/a b', ':', '/usr/bin:/bin') + shell.append('BARYON_MAN', '/m', ':', '')
      const environment = environmentAfter(name, script)
      assert.equal(environment.get('BARYON_PATH'), '/usr/bin:/bin:/a b')
      assert.equal(environment.get('BARYON_MAN'), ':/m')
    })

    test('unsetting removes the variable', () => {
      const environment = environmentAfter(name, shell.unset('BARYON_GONE'), { BARYON_GONE: 'x' })
      assert.equal(environment.has('BARYON_GONE'), false)
    })

    test('a prompt is harmless where there is none', () => {
      environmentAfter(name, shell.prompt('hep'))
    })
  })
}

test('shells are found by the path of their program', () => {
  assert.equal(shellNamed('/usr/bin/zsh').name, 'zsh')
  assert.equal(shellNamed('/bin/csh').name, 'tcsh')
  assert.equal(shellNamed('dash').name, 'sh')
  assert.throws(
    () => shellNamed('/bin/nonesuch'),
    (error) => error instanceof UserError && error.code === 'SHELL_UNKNOWN',
  )
})
