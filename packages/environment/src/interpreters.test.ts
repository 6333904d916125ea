/** Pythons in a view, tried with two real ones of Debian: CPython and PyPy, laid out as packages of a store would be. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { activationOf } from './activation.ts'
import { interpretersOf } from './interpreters.ts'
import { listView, type ViewTree, writeView } from './view.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-views with blanks-')))
// The first line of a script cannot name an interpreter with a blank.
const store = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-pythons-')))
after(() => {
  for (const made of [directory, store]) rmSync(made, { recursive: true, force: true })
})

let count = 0
const cpython = interpreter('/usr/bin/python3')
const pypy = interpreter('/usr/bin/pypy3')
const both = [cpython, pypy]

test('an interpreter is a program with its own library, and nothing else', () => {
  assert.deepEqual(interpretersOf(cpython.tree.physical), [cpython.name])
  assert.deepEqual(interpretersOf(pypy.tree.physical), [pypy.name])
  assert.deepEqual(
    interpretersOf(tree({ 'bin/python3.8': 'no library', 'bin/python3': '', 'lib/python3/os.py': '' }).physical),
    ['python3'],
  )
  assert.deepEqual(interpretersOf(join(directory, 'nowhere')), [])
})

test('each of two finds the packages that the view has for it, and no others', () => {
  const view = join(directory, 'both')
  writeView(view, [...both.map((one) => one.tree), ...both.map((one) => packageFor(one))])
  for (const one of both) {
    const code = 'import sys, common; print(common.of, sys.prefix, sys.base_prefix)'
    assert.deepEqual(run([join(view, 'bin', one.name), '-c', code]), [`${one.name} ${view} ${view}`])
    const foreign = both.find((other) => other !== one)!
    const result = spawnSync(join(view, 'bin', one.name), ['-c', `import ${moduleOf(foreign)}`], { encoding: 'utf8' })
    assert.match(result.stderr, /No module named/)
  }
  // `python3` is a name of the one in the view, not a way into the store.
  assert.deepEqual(run([join(view, 'bin/python3'), '-c', 'import sys; print(sys.prefix)']), [view])
})

test('a program keeps its interpreter, its flags and its arguments, also through a link and from another name of the view', () => {
  const view = join(directory, 'programs')
  writeView(view, [...both.map((one) => one.tree), ...both.map((one) => packageFor(one))])
  const link = join(directory, 'link to a program')
  for (const one of both) {
    rmSync(link, { force: true })
    symlinkSync(join(view, 'bin', `tool-${one.name}`), link)
    const moved = join(directory, 'moved')
    rmSync(moved, { force: true })
    symlinkSync(view, moved)
    for (const program of [join(view, 'bin', `tool-${one.name}`), link, join(moved, 'bin', `tool-${one.name}`)]) {
      const implementation = one === pypy ? 'pypy' : 'cpython'
      assert.deepEqual(run([program, 'a  b', "it's"]), [implementation, one.name, "['a  b', \"it's\"]", '1'])
    }
  }
})

test('what has the interpreter of somebody else stays a link, and so does all where no interpreter is', () => {
  const foreign = tree({ 'bin/shell': '#!/bin/sh\n', 'bin/away': `#!${store}/elsewhere/bin/${cpython.name}\n` })
  const links = (trees: readonly ViewTree[]) =>
    listView(trees).filter(({ path, target }) => path.startsWith('bin/') && target.startsWith(`${foreign.logical}/`))
  assert.equal(links([cpython.tree, foreign]).length, 2)
  const view = join(directory, 'foreign')
  writeView(view, [cpython.tree, foreign])
  assert.equal(realpathSync(join(view, 'bin/shell')), join(foreign.physical, 'bin/shell'))
  const without = packageFor(cpython)
  assert.deepEqual(listView([without]), [
    { path: 'bin', target: `${without.logical}/bin` },
    { path: topOf(cpython), target: `${without.logical}/${topOf(cpython)}` },
  ])
})

test('a venv on top of a view works, with the packages of the view when asked for', () => {
  const view = join(directory, 'below')
  writeView(view, [...both.map((one) => one.tree), ...both.map((one) => packageFor(one))])
  for (const one of both) {
    for (const seesView of [false, true]) {
      const venv = join(directory, `venv-${one.name}-${seesView}`)
      const options = ['--without-pip', ...(seesView ? ['--system-site-packages'] : [])]
      run([join(view, 'bin', one.name), '-m', 'venv', ...options, venv])
      const code =
        'import sys, importlib.util as u; print(sys.prefix, sys.base_prefix, u.find_spec("common") is not None)'
      assert.deepEqual(run([join(venv, 'bin/python'), '-c', code]), [`${venv} ${view} ${seesView ? 'True' : 'False'}`])
    }
  }
})

test('no variable names the packages that an interpreter of the same place finds by itself', () => {
  const python = tree({ 'bin/python3.11': '', 'lib/python3.11/os.py': '', 'lib/python3.11/site-packages/README': '' })
  const packages = tree({ 'lib/python3.11/site-packages/a.py': '' })
  const pathOf = (trees: readonly ViewTree[]) =>
    activationOf(trees, 'run').find((change) => change.kind !== 'unset' && change.variable === 'PYTHONPATH')
  assert.equal(pathOf([python]), undefined)
  const inView = [python, packages].map(({ physical }) => ({ logical: '/view', physical }))
  assert.equal(pathOf(inView), undefined)
  const beside = pathOf([python, packages])
  assert.deepEqual(beside?.kind === 'prepend' && beside.values, [`${packages.logical}/lib/python3.11/site-packages`])
  const others = tree({ 'lib/python3.13/site-packages/a.py': '' })
  assert.throws(() => pathOf([packages, others]), { code: 'PYTHONS_MIXED' })
})

interface Interpreter {
  readonly name: string
  readonly tree: ViewTree
}

/** As a package: the executable, its other name, and a link to the library that the host has for it. */
function interpreter(host: string): Interpreter {
  const program = realpathSync(host)
  const name = basename(program)
  const made = tree({ [`bin/${basename(host)}`]: `-> ${name}`, [`lib/${name}`]: `-> /usr/lib/${name}` })
  copyFileSync(program, join(made.physical, 'bin', name))
  return { name, tree: made }
}

/** A module that both have with different contents, one that only this has, and a program. */
function packageFor(one: Interpreter): ViewTree {
  const modules = packagesOf(one)
  return tree({
    [`${modules}/common.py`]: `of = ${JSON.stringify(one.name)}\n`,
    [`${modules}/${moduleOf(one)}.py`]: '',
    [`bin/tool-${one.name}`]:
      `#! ${one.tree.logical}/bin/${one.name} -s\n` +
      'import sys, common\n' +
      'print(sys.implementation.name, common.of, sys.argv[1:], sys.flags.no_user_site, sep="\\n")\n',
  })
}

function moduleOf({ name }: Interpreter): string {
  return `only_${name.replace('.', '_')}`
}

/** Where Debian's interpreters look below their prefix. */
function packagesOf(one: Interpreter): string {
  return one === pypy ? `local/lib/${one.name}/dist-packages` : `lib/${one.name}/dist-packages`
}

function topOf(one: Interpreter): string {
  return packagesOf(one).split('/')[0]!
}

function run([program = '', ...words]: readonly string[]): string[] {
  const env = { PATH: '/usr/bin:/bin', HOME: directory }
  const result = spawnSync(program, words, { encoding: 'utf8', cwd: '/', env })
  assert.equal(result.status, 0, `${program}: ${result.error ?? result.stderr}`)
  return result.stdout.trimEnd().split('\n')
}

function tree(files: Readonly<Record<string, string>>): ViewTree {
  const root = join(store, `tree${count++}`)
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), path)
    else writeFileSync(path, content, { mode: 0o755 })
  }
  return { logical: root, physical: root }
}
