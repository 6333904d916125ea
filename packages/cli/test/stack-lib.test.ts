/** The `lib` of the stacks, where a recipe of nixpkgs relies on it; evaluated by Nix too. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { peer, temporaryDirectory } from '@baryon/testing'

const clone = resolve(import.meta.dirname, '../../..')
const nix = peer('nix-instantiate')
const ours = peer(`${clone}/bin/nix-instantiate`)

/** Expressions over `lib`, and what the manual of nixpkgs says of them. */
const cases: readonly (readonly [expression: string, json: unknown])[] = [
  ['versions.major "3.11.2"', '3'],
  ['versions.minor "3.11.2"', '11'],
  ['versions.patch "3.11.2"', '2'],
  ['versions.majorMinor "3.11.2"', '3.11'],
  ['versions.splitVersion "1.2-rc3"', ['1', '2', 'rc', '3']],
  ['versionOlder "1.1" "1.2"', true],
  ['versionOlder "1.1" "1.1"', false],
  ['versionAtLeast "1.1" "1.1"', true],
  ['strings.versionAtLeast "1.0" "1.1"', false],
  ['optionalString false "x"', ''],
  ['removeSuffix "front" (removePrefix "foo." "foo.bar.bazfront")', 'bar.baz'],
]

test('functions of lib are where nixpkgs has them', (t) => {
  const home = temporaryDirectory(t)
  const list = cases.map(([expression]) => `(lib.${expression.replaceAll(/\((\w)/g, '(lib.$1')})`).join(' ')
  const words = ['--eval', '--strict', '--json', '-E', `let lib = import ${clone}/stacks/std/lib; in [ ${list} ]`]
  for (const evaluator of [ours, nix]) {
    const values = JSON.parse(evaluator.output(words, { home, environment: { NIX_REMOTE: 'dummy://' } })) as unknown[]
    assert.deepEqual(
      values,
      cases.map(([, json]) => json),
    )
  }
})
