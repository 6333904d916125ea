import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { activationOf, applyActivation, formatActivation } from './activation.ts'
import type { Change } from './change.ts'
import { shellNamed } from './shell.ts'

const directory = mkdtempSync(join(tmpdir(), 'baryon-activation-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function prefix(name: string, ...directories: string[]): { logical: string; physical: string } {
  const physical = join(directory, name)
  for (const one of directories) mkdirSync(join(physical, one), { recursive: true })
  return { logical: `/cvmfs/x/${name}`, physical }
}

test('only what is there becomes a variable, by logical path, first wins', () => {
  const a = prefix('a', 'bin', 'lib/python3.11/site-packages', 'include')
  const b = prefix('b', 'bin', 'lib/pkgconfig')
  const run = applyActivation({ PATH: '/usr/bin', EMPTY: '' }, activationOf([a, b], 'run'))
  assert.deepEqual(run, {
    PATH: '/cvmfs/x/a/bin:/cvmfs/x/b/bin:/usr/bin',
    EMPTY: '',
    PYTHONPATH: '/cvmfs/x/a/lib/python3.11/site-packages',
    ROOT_INCLUDE_PATH: '/cvmfs/x/a/include',
  })
  const develop = applyActivation({}, activationOf([a, b], 'develop'))
  assert.equal(develop.CMAKE_PREFIX_PATH, '/cvmfs/x/a:/cvmfs/x/b')
  assert.equal(develop.PKG_CONFIG_PATH, '/cvmfs/x/b/lib/pkgconfig')
  assert.equal(develop.LIBRARY_PATH, '/cvmfs/x/a/lib:/cvmfs/x/b/lib')
  assert.equal(develop.PATH, '/cvmfs/x/a/bin:/cvmfs/x/b/bin:/usr/local/bin:/usr/bin:/bin')
  assert.equal(develop.LD_LIBRARY_PATH, undefined)
})

test('the manual pages of the system stay visible', () => {
  const a = prefix('m', 'share/man')
  const changes = activationOf([a], 'run')
  assert.equal(applyActivation({}, changes).MANPATH, '/cvmfs/x/m/share/man:')
  assert.equal(applyActivation({ MANPATH: '/old' }, changes).MANPATH, '/cvmfs/x/m/share/man:/old')
})

test('what is appended comes behind, and behind the default of what is unset', () => {
  const append = (variable: string, separator = ':'): Change[] => [
    { kind: 'append', variable, values: ['/a', '/b'], separator },
  ]
  assert.equal(applyActivation({ PATH: '/old' }, append('PATH')).PATH, '/old:/a:/b')
  assert.equal(applyActivation({}, append('PATH')).PATH, '/usr/local/bin:/usr/bin:/bin:/a:/b')
  assert.equal(applyActivation({}, append('MANPATH')).MANPATH, ':/a:/b')
  assert.equal(applyActivation({ FLAGS: '' }, append('FLAGS', ' ')).FLAGS, '/a /b')
})

test('ROOT is told where it is', () => {
  const a = prefix('r', 'bin')
  writeFileSync(join(a.physical, 'bin/root-config'), '')
  assert.equal(applyActivation({}, activationOf([a], 'run')).ROOTSYS, '/cvmfs/x/r')
})

test('scripts in the words of each shell', () => {
  const changes = activationOf([prefix('s', 'bin')], 'run')
  assert.equal(
    formatActivation(shellNamed('bash'), changes),
    'export PATH=/cvmfs/x/s/bin:"${PATH:-/usr/local/bin:/usr/bin:/bin}"\n',
  )
  assert.match(formatActivation(shellNamed('fish'), changes), /set -gx PATH '\/cvmfs\/x\/s\/bin:'"\$PATH"/)
  assert.match(formatActivation(shellNamed('tcsh'), changes), /setenv PATH '\/cvmfs\/x\/s\/bin:'\$\{PATH:q\};/)
})
