import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { memoryIo, testEvaluator } from '../test/memory-io.ts'
import { updateAttrs } from './attrs.ts'
import { forceDeep } from './deep-force.ts'
import { SearchPathError, StackOverflowError, StringTooLongError, typedError } from './errors.ts'
import { forceAttrs } from './force.ts'
import { printValue } from './print-value.ts'

const directory = mkdtempSync(join(tmpdir(), 'language-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function evaluate(text: string, evaluator = testEvaluator()): string {
  return printValue(forceDeep(evaluator.evaluateText(text, directory, '«string»')))
}

describe('files', () => {
  test('a directory is its default.nix, links are followed, each file is evaluated once', () => {
    mkdirSync(join(directory, 'package'))
    writeFileSync(join(directory, 'package/default.nix'), 'builtins.trace "evaluated" { a = import ./b.nix; }')
    writeFileSync(join(directory, 'package/b.nix'), '[ ./b.nix ../c ]')
    symlinkSync('package', join(directory, 'link'))
    const io = memoryIo()
    const text = '[ (import ./package) (import ./link) (import ./package/default.nix) ] == [ ]'
    assert.equal(
      evaluate(
        `builtins.deepSeq (${text}) (map (x: map toString x.a) [ (import ./link) (import ./package) ])`,
        testEvaluator(io),
      ),
      `[ [ "${directory}/package/b.nix" "${directory}/c" ] [ "${directory}/package/b.nix" "${directory}/c" ] ]`,
    )
    assert.deepEqual(io.messages, ['trace: evaluated'])
  })

  test('scopedImport adds variables', () => {
    writeFileSync(join(directory, 'scoped.nix'), '{ sum = x + y; m = map (x: x) [ y ]; }')
    assert.equal(evaluate('scopedImport { x = 1; y = 2; } ./scoped.nix'), '{ m = [ 2 ]; sum = 3; }')
  })

  test('the search path', () => {
    mkdirSync(join(directory, 'search/lib'), { recursive: true })
    writeFileSync(join(directory, 'search/lib/x.nix'), '5')
    const searchPath = [
      { prefix: '', path: join(directory, 'absent') },
      { prefix: 'mine', path: join(directory, 'search') },
      { prefix: '', path: join(directory, 'search') },
    ]
    const io = memoryIo()
    const evaluator = testEvaluator(io, { searchPath })
    assert.equal(evaluate('[ (import <mine/lib/x.nix>) (import <lib/x.nix>) ]', evaluator), '[ 5 5 ]')
    assert.equal(io.messages.length, 1)
    assert.throws(() => evaluate('<nope>', evaluator), SearchPathError)
    assert.equal(evaluate('builtins.typeOf (import <nix/fetchurl.nix>)', evaluator), '"lambda"')
  })

  test('positions of attributes survive // and removeAttrs, not mapAttrs', () => {
    const line = (text: string): string => evaluate(`(builtins.unsafeGetAttrPos "b" (${text})).line`)
    assert.equal(line('{\n b = 1; }'), '2')
    assert.equal(line('{ a = 1; } // {\n\n b = 1; }'), '3')
    assert.equal(line('{\n b = 1; } // { a = 1; }'), '2')
    assert.equal(line('builtins.removeAttrs {\n a = 1;\n b = 2; } [ "a" ]'), '3')
    assert.equal(evaluate('builtins.unsafeGetAttrPos "b" (builtins.mapAttrs (n: v: v) { b = 2; })'), 'null')
  })
})

const exhausting = [
  ['a stack overflow', 'let f = n: 1 + f (n + 1); in f 0', StackOverflowError],
  ['a sum that is too long', 'let f = n: s: if n == 0 then s else f (n - 1) (s + s); in f 30 "a"', StringTooLongError],
  [
    'a list of strings that is too long',
    'builtins.concatStringsSep "" (builtins.genList (_: builtins.concatStringsSep "a" (builtins.genList (_: "aaa") 9999)) 20000)',
    StringTooLongError,
  ],
] as const
for (const [name, text, type] of exhausting) {
  test(`${name} has a type of its own`, () => {
    let error: unknown
    try {
      evaluate(text)
    } catch (thrown) {
      error = typedError(thrown)
    }
    assert.ok(error instanceof type)
  })
}

test('updates that add nothing share keys', () => {
  const evaluator = testEvaluator()
  const attrs = (text: string) => forceAttrs(evaluator.evaluateText(text, directory, '«string»'))
  const a = attrs('{ a = 1; b = 2; c = 3; }')
  const b = attrs('{ b = 5; c = 6; }')
  assert.equal(updateAttrs(a, b).keys, a.keys)
  assert.equal(updateAttrs(b, a).keys, a.keys)
  assert.equal(updateAttrs(a, attrs('{ }')), a)
})
