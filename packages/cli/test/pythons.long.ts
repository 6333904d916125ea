/**
 * Two CPythons of the stack and packages for each in one release: FastJet's module for both, a program, `venv`, and
 * `pip install --user`. Builds the interpreters, which takes half an hour the first time.
 */
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'
import { type Cleanup, ordinaryUser } from '@baryon/testing'
import { keptRoot } from './kept-root.ts'

const clone = resolve(import.meta.dirname, '../../..')
const TAG = 'x86_64-debian12-gcc12-opt'
const VERSIONS = ['3.11', '3.13'] as const
const OF_EACH = ['fastjet', 'tabulate', 'pip', 'setuptools']

let home: string
let uid: number
let baryon: (...words: readonly string[]) => string

before((context) => {
  const user = ordinaryUser(context as Cleanup)
  home = user.home
  uid = user.uid
  const stack = join(home, 'stack')
  mkdirSync(join(stack, 'releases/Pythons'), { recursive: true })
  writeFileSync(join(stack, 'baryon.toml'), 'store-dir = "/cvmfs/lhcb.example.org/nix/store"\nstack = "default.nix"\n')
  writeFileSync(
    join(stack, 'default.nix'),
    `{ platform ? "${TAG}" }: import ${clone}/stacks/hep { inherit platform; } // { platforms = [ "${TAG}" ]; }\n`,
  )
  const packages = VERSIONS.map((version) => version.replace('.', '')).flatMap((tag) => [
    `python${tag}`,
    ...OF_EACH.map((name) => `python${tag}Packages.${name}`),
  ])
  writeFileSync(
    join(stack, 'releases/Pythons/1.0.toml'),
    `description = "Two Pythons"\npackages = ${JSON.stringify(packages)}\n`,
  )
  const environment = { ...user.environment, BARYON_ROOT: keptRoot(user.uid) }
  baryon = (...words) => {
    const result = user.run(join(clone, 'bin/baryon'), words, { cwd: stack, environment })
    assert.equal(result.status, 0, `baryon ${words.join(' ')}\n${result.stderr}`)
    return result.stdout.trimEnd()
  }
  baryon('release', 'create', 'Pythons/1.0')
})

for (const version of VERSIONS) {
  const python = `python${version}`
  const other = VERSIONS.find((one) => one !== version)!

  test(`${python} finds its own packages in the view, with no variable`, () => {
    const code = [
      'import fastjet, os, sys, tabulate',
      'j = [fastjet.PseudoJet(99.0, 0.1, 0, 100.0), fastjet.PseudoJet(4.0, -0.1, 0, 5.0), fastjet.PseudoJet(-99.0, 0, 0, 99.0)]',
      'found = fastjet.ClusterSequence(j, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.7)).inclusive_jets()',
      'print("%d.%d" % sys.version_info[:2], len(found), "PYTHONPATH" in os.environ, sys.prefix == sys.base_prefix)',
      `print([p for p in sys.path if "python${other}" in p], sys.prefix.endswith("-view"), tabulate.__file__.startswith(sys.prefix))`,
    ].join('\n')
    // FastJet says first who wrote it.
    const lines = baryon('run', 'Pythons', python, '-c', code).split('\n')
    assert.deepEqual(lines.slice(-2), [`${version} 2 False True`, '[] True True'])
  })

  test(`a venv and packages of the user on top of ${python}`, () => {
    const mine = join(home, `mine-${version}`)
    mkdirSync(mine)
    const name = `mine${version.replace('.', '')}`
    writeFileSync(
      join(mine, 'setup.py'),
      `from setuptools import setup\nsetup(name="${name}", version="1", py_modules=["${name}"])\n`,
    )
    writeFileSync(join(mine, `${name}.py`), `answer = ${version}\n`)
    // The build writes beside its source.
    if (process.geteuid!() === 0) chownSync(mine, uid, uid)
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-index', '--no-build-isolation']
    baryon('run', 'Pythons', python, ...pip, '--user', mine)
    assert.equal(baryon('run', 'Pythons', python, '-c', `import ${name}; print(${name}.answer)`), version)
    const seen = `import importlib.util as u; print(u.find_spec("${name}") is not None)`
    assert.equal(baryon('run', 'Pythons', `python${other}`, '-c', seen), 'False')

    const venv = join(home, `venv-${version}`)
    baryon('run', 'Pythons', python, '-m', 'venv', venv)
    assert.match(baryon('run', 'Pythons', `${venv}/bin/pip`, '--version'), new RegExp(`\\(python ${version}\\)$`))
    const packages = `import sys, importlib.util as u; print(sys.prefix, u.find_spec("fastjet") is not None)`
    assert.equal(baryon('run', 'Pythons', `${venv}/bin/python`, '-c', packages), `${venv} False`)
  })
}

test('programs keep their interpreter: the default one where both have a program', () => {
  const table = join(home, 'table')
  writeFileSync(table, 'a 1\nb 2\n')
  assert.equal(baryon('run', 'Pythons', 'tabulate', '-f', 'plain', table), 'a  1\nb  2')
  assert.match(baryon('run', 'Pythons', 'pip', '--version'), /\(python 3\.11\)$/)
  for (const version of VERSIONS)
    assert.match(baryon('run', 'Pythons', `pip${version}`, '--version'), new RegExp(`\\(python ${version}\\)$`))
  assert.equal(baryon('run', 'Pythons', 'python3', '-c', 'import sys; print(sys.version_info[1])'), '11')
})
