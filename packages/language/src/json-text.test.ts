import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testEvaluator } from '../test/memory-io.ts'
import { ContextCollector } from './context.ts'
import { ValueError } from './errors.ts'
import { jsonText } from './json.ts'
import { parseJson } from './json-text.ts'
import { Float } from './value.ts'

const evaluator = testEvaluator()

test('what JSON.stringify writes comes back the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = Buffer.from(JSON.stringify(value), 'utf8').toString('latin1')
      if (text.includes('\\u0000') || text.includes('\\ud')) return
      const back = jsonText(evaluator, parseJson(text, false), new ContextCollector())
      assert.deepEqual(rounded(JSON.parse(Buffer.from(back, 'latin1').toString('utf8'))), rounded(wrapped(value)))
    }),
    { examples: [[[2 ** 63]], [[2 ** 64]], [[-(2 ** 63)]], [[-(2 ** 64)]]] },
  )
})

// As nix-instantiate 2.8 prints them: what fits only an unsigned word is taken as a signed one, anything larger is a float.
const wideIntegers: [text: string, back: string][] = [
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775808', '-9223372036854775808'],
  ['9223372036854776000', '-9223372036854775616'],
  ['18446744073709551615', '-1'],
  ['18446744073709551616', '1.84467e+19'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['-9223372036854775809', '-9.22337e+18'],
]
for (const [text, back] of wideIntegers) {
  test(`the integer ${text}`, () => {
    assert.equal(jsonText(evaluator, parseJson(text, false), new ContextCollector()), back)
  })
}

test('a number with a fraction is the nearest float', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(
      fc.constantFrom('', '-'),
      fc.nat(),
      digits,
      fc.constantFrom('', 'e3', 'E-7'),
      (sign, whole, rest, power) => {
        const text = `${sign}${whole}.${rest}${power}`
        const value = parseJson(text, true)
        assert.ok(value instanceof Float && Object.is(value.value, Number(text)), text)
      },
    ),
    { numRuns: 2000, examples: [['-', 0, '0', '']] },
  )
  for (const text of ['1.', '.5', '01.5', '-.5', '1.e3', '1.5.', '1.5e'])
    assert.throws(() => parseJson(text, true), ValueError)
})

test('escapes mean what they mean in JavaScript, and others are errors', () => {
  const piece = fc.constantFrom(
    '\\n',
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\f',
    '\\r',
    '\\t',
    '\\u0041',
    '\\x',
    '\\',
    '"',
    'plain',
    '\t',
    'ä',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = Buffer.from(`["${pieces.join('')}"]`, 'utf8').toString('latin1')
      let expected: unknown
      try {
        expected = JSON.parse(text)
      } catch {
        assert.throws(() => parseJson(text, true), ValueError)
        return
      }
      assert.deepEqual(parseJson(text, true), expected)
    }),
    { numRuns: 2000 },
  )
})

test('garbage gives nothing but an error of the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0d8e1-.+ tnrue\xff\xc3\x01') }), (text) => {
      try {
        parseJson(text, false)
      } catch (error) {
        assert.ok(error instanceof ValueError)
      }
    }),
  )
})

test('deep nesting costs no stack', () => {
  const depth = 200_000
  const value = parseJson('['.repeat(depth) + ']'.repeat(depth), false)
  assert.ok(Array.isArray(value))
})

/** `value` with its integers of 2^63 and more below 2^64 as the signed words they are read as. */
function wrapped(value: unknown): unknown {
  if (typeof value === 'number') return value >= 2 ** 63 && value < 2 ** 64 ? value - 2 ** 64 : value
  if (Array.isArray(value)) return value.map(wrapped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wrapped(item)]))
}

/** Floats are printed with six digits, so that only so much of them comes back; keys are compared without order. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : Number(value.toPrecision(6))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item)]))
}
