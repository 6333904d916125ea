import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePackageName } from './package-name.ts'

test('names of store paths are read as Nix reads them', () => {
  const cases: readonly (readonly [text: string, name: string, version: string, output: string])[] = [
    ['hello', 'hello', '', ''],
    ['hello-2.10', 'hello', '2.10', ''],
    ['hepmc3-3.2.6-dev', 'hepmc3', '3.2.6', 'dev'],
    ['gcc-12.2.0-lib32', 'gcc', '12.2.0', 'lib32'],
    ['foo-0.1-unstable', 'foo', '0.1', 'unstable'],
    ['libX11-1.8-R7', 'libX11', '1.8-R7', ''],
    ['python3.11-numpy-1.26.0', 'python3.11-numpy', '1.26.0', ''],
    ['a-_b', 'a', '_b', ''],
    ['a--1', 'a', '-1', ''],
    ['a-', 'a-', '', ''],
    ['top', 'top', '', ''],
    ['bash-interactive', 'bash', '', 'interactive'],
  ]
  for (const [text, name, version, output] of cases)
    assert.deepEqual(parsePackageName(text), { name, version, output }, text)
})
