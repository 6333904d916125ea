/** Module files, loaded by the real programs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { isOnPath, temporaryDirectory } from '@baryon/testing'
import { type ModuleLanguage, moduleLanguages, unsayable } from '../src/release/module-file.ts'
import { hardValues, testManifest } from './release-manifest.ts'

const LMOD = '/usr/share/lmod/lmod/init'
const modulecmd = findModulecmd()
/** Lmod removes duplicates. */
const PATH = [...new Set(process.env.PATH!.split(':'))].join(':')
const [tcl, lua] = moduleLanguages as readonly [ModuleLanguage, ModuleLanguage]

describe('Lmod', { skip: existsSync(LMOD) ? false : 'lmod is not installed' }, () => {
  for (const language of moduleLanguages) {
    test(`reads the ${language.name} file: all values arrive, none is evaluated, and they go again`, (t) => {
      const place = createModule(t, language)
      const script = [`source ${LMOD}/bash`, `module use ${place.modulePath}`, 'module load HEP/1.0', 'env -0']
      const loaded = run('bash', [...script].join('\n'), place.directory)
      assert.equal(loaded.stderr, '')
      // Lmod turns Tcl into Lua, and loses blanks at the end of values on the way.
      check(place, loaded.environment, language === tcl)
      const unloaded = run(
        'bash',
        [...script.slice(0, -1), 'module unload HEP/1.0', 'env -0'].join('\n'),
        place.directory,
      )
      assert.equal(unloaded.environment.get('PATH'), PATH)
      assert.equal(unloaded.environment.has('BARYON_RELEASE'), false)
      assert.equal(unloaded.environment.has('HARD_0'), false)
      assert.equal(existsSync(place.canary), false)
    })
  }

  test('one version takes the place of another', (t) => {
    const place = createModule(t, lua)
    writeFileSync(
      join(place.modulePath, 'HEP/2.0.lua'),
      lua.format({ ...testManifest({ ONLY_TWO: 'x' }), version: '2.0' }),
    )
    const script = [
      `source ${LMOD}/bash`,
      `module use ${place.modulePath}`,
      'module load HEP/1.0',
      'module load HEP',
      'env -0',
    ]
    const { environment } = run('bash', script.join('\n'), place.directory)
    assert.equal(environment.get('ONLY_TWO'), 'x')
    assert.equal(environment.has('HARD_0'), false)
    assert.equal(
      environment
        .get('PATH')
        ?.split(':')
        .filter((one) => one.includes('-HEP-')).length,
      2,
    )
  })

  for (const [shell, init] of [
    ['zsh', 'zsh'],
    ['fish', 'fish'],
    ['tcsh', 'csh'],
  ] as const) {
    test(`in ${shell}`, { skip: isOnPath(shell) ? false : `${shell} is not installed` }, (t) => {
      const place = createModule(t, lua, shell === 'tcsh' ? isForCsh : undefined)
      const script = [`source ${LMOD}/${init}`, `module use ${place.modulePath}`, 'module load HEP/1.0', 'env -0']
      const { environment } = run(shell, script.join('\n'), place.directory)
      assert.equal(environment.get('BARYON_RELEASE'), 'HEP/1.0')
      assert.ok(environment.get('PATH')?.startsWith(`${place.manifest.view}/bin:`))
    })
  }
})

const noModules =
  modulecmd === undefined
    ? 'environment-modules is not unpacked (scripts/setup.sh --tests)'
    : isOnPath('tclsh')
      ? false
      : 'tclsh is not installed'

describe('environment-modules', { skip: noModules }, () => {
  const load = (place: Place, shell: string, ...names: readonly string[]) =>
    spawnSync('tclsh', [modulecmd!, shell, 'load', ...names], {
      encoding: 'utf8',
      env: { PATH, HOME: place.directory, LC_ALL: 'C.UTF-8', MODULEPATH: place.modulePath },
    })

  for (const [shell, run_] of [
    ['bash', 'bash'],
    ['zsh', 'zsh'],
    ['fish', 'fish'],
  ] as const) {
    test(`in ${shell}, all values arrive and none is evaluated`, {
      skip: isOnPath(shell) ? false : `no ${shell}`,
    }, (t) => {
      const place = createModule(t, tcl)
      const { stdout, stderr } = load(place, shell, 'HEP/1.0')
      assert.equal(stderr, '')
      const { environment } = run(run_, `${stdout}\nenv -0`, place.directory)
      check(place, environment)
      assert.equal(existsSync(place.canary), false)
    })
  }

  test('in tcsh', { skip: isOnPath('tcsh') ? false : 'tcsh is not installed' }, (t) => {
    const place = createModule(t, tcl, isForCsh)
    const { stdout } = load(place, 'csh', 'HEP/1.0')
    const { environment } = run('tcsh', `${stdout}\nenv -0`, place.directory)
    check(place, environment)
    assert.equal(existsSync(place.canary), false)
  })

  test('two versions exclude each other', (t) => {
    const place = createModule(t, tcl)
    writeFileSync(join(place.modulePath, 'HEP/2.0'), tcl.format({ ...testManifest({}), version: '2.0' }))
    assert.match(load(place, 'bash', 'HEP/1.0', 'HEP/2.0').stderr, /conflicting HEP is loaded/i)
  })
})

test('what would end a statement, or Tcl does not know, is not said', () => {
  const set = (value: string) => [{ kind: 'set', variable: 'V', value }] as const
  for (const language of moduleLanguages) {
    assert.equal(unsayable(language, set('a\nb')), 'V')
    assert.equal(unsayable(language, set('a b')), undefined)
    for (const kind of ['prepend', 'append'] as const) {
      assert.equal(unsayable(language, [{ kind, variable: 'P', values: ['/a', '/b\n'], separator: ':' }]), 'P')
    }
  }
  assert.equal(unsayable(tcl, set('🙂')), 'V')
  assert.equal(unsayable(lua, set('🙂')), undefined)
})

type Place = ReturnType<typeof createModule>

/** What neither program escapes for csh: there it would be matched against names of files, or be an event. */
const isForCsh = (value: string): boolean => !/[[\]{}*?~!]/.test(value)

/** A release with all the hard values that the language can say. */
function createModule(t: TestContext, language: ModuleLanguage, isWanted = (_: string): boolean => true) {
  const directory = temporaryDirectory(t)
  const canary = join(directory, 'canary')
  const values = Object.entries(hardValues(canary)).filter(([, value]) => language.says(value) && isWanted(value))
  const manifest = testManifest({
    ...Object.fromEntries(values),
    XDG_DATA_DIRS: { prepend: ['/first'], append: ['/last', '@view@/last'], separator: ':' },
    FLAGS: { prepend: [], append: ['-a', '-b'], separator: '|' },
  })
  const modulePath = join(directory, 'modules')
  mkdirSync(join(modulePath, 'HEP'), { recursive: true })
  writeFileSync(join(modulePath, `HEP/1.0${language.suffix}`), language.format(manifest))
  return { directory, canary, manifest, modulePath }
}

function check({ manifest }: Place, environment: ReadonlyMap<string, string>, isTrimmed = false): void {
  for (const change of manifest.changes) {
    if (change.kind !== 'set') continue
    assert.equal(environment.get(change.variable), isTrimmed ? change.value.trimEnd() : change.value, change.variable)
  }
  assert.equal(environment.get('PATH'), `${manifest.view}/bin:${manifest.view}/sbin:${PATH}`)
  assert.match(environment.get('MANPATH')!, new RegExp(`^${manifest.view}/share/man:+$`))
  assert.equal(
    environment.get('XDG_DATA_DIRS'),
    `/first:${manifest.view}/share:/usr/local/share:/usr/share:/last:${manifest.view}/last`,
  )
  assert.equal(environment.get('FLAGS'), '-a|-b')
}

function run(shell: string, script: string, directory: string) {
  const file = join(directory, 'script')
  writeFileSync(file, `${script}\n`)
  const options = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'], tcsh: ['-f'] }[shell] ?? []
  const result = spawnSync(shell, [...options, file], {
    encoding: 'utf8',
    cwd: directory,
    env: { PATH, HOME: directory, LC_ALL: 'C.UTF-8' },
  })
  const lines = result.stdout.split('\0').map((line): [string, string] => {
    const equals = line.indexOf('=')
    return [line.slice(0, equals).replace(/^[\s\S]*\n/, ''), line.slice(equals + 1)]
  })
  return { environment: new Map(lines), stderr: result.stderr }
}

/** The package excludes that of Lmod: scripts/setup.sh only unpacks it. */
function findModulecmd(): string | undefined {
  for (const root of ['/', resolve(import.meta.dirname, '../../../build/peers/environment-modules')]) {
    const lib = join(root, 'usr/lib')
    for (const name of existsSync(lib) ? readdirSync(lib) : []) {
      const file = join(lib, name, 'modulecmd.tcl')
      if (existsSync(file)) return file
    }
  }
  return undefined
}
