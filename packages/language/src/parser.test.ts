/** What the differential tests cannot say: robustness, and what differs from Nix 2.8 on purpose. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TOKENS } from '../test/tokens.ts'
import { EvaluationError } from './errors.ts'
import { parseFile } from './parse-file.ts'
import { parseSyntax } from './parser.ts'
import { printSyntax } from './syntax-printer.ts'

const globals = new Set(['true', 'false', 'null', 'builtins', 'map', '__sub', '__lessThan', '__findFile', '__nixPath'])

function print(text: string): string {
  return printSyntax(parseSyntax({ name: '«string»', source: () => text }, text))
}

describe('printing', () => {
  for (const [text, expected] of [
    ['{ x = { a = 1; }; x.${"b" + ""} = 2; }', '{ x = { a = 1; "${("b" + "")}" = 2; }; }'],
    ['./a/${b}/c', '(./a/ + b + "/c")'],
    ['a.b or c', '(a).b or (c)'],
    ["''\n  a\n    b\n''", '"a\\n  b\\n"'],
    ['"\r\n"', '"\\n"'],
  ] as const) {
    test(JSON.stringify(text), () => assert.equal(print(text), expected))
  }
})

describe('errors', () => {
  for (const [text, message] of [
    ['a |> b', /pipe-operators/],
    ['a <| b', /pipe-operators/],
    ['x', /undefined variable 'x'/],
    ['{ a = 1; a = 2; }', /attribute 'a' already defined at \(string\):1:3/],
  ] as const) {
    test(text, () => assert.throws(() => parseFile(text, '«string»', { globals }), message))
  }
})

describe('any text', () => {
  const pieces = fc.constantFrom(...TOKENS)
  test('parses or gives an evaluation error', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        try {
          parseFile(parts.join(''), '«string»', { globals })
        } catch (error) {
          assert.ok(error instanceof EvaluationError, String(error))
        }
      }),
      { numRuns: 3000 },
    )
  })
})
