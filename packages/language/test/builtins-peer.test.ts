/** Builtins through us and through Nix 2.8: tables of expressions, and generated ones. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { peer } from '@baryon/testing'
import fc from 'fast-check'
import { ContextCollector, EvaluationError, forceDeep, formatError, jsonText, printValue } from '../index.ts'
import { compileRegex } from '../src/regex.ts'
import { RegexSyntaxError } from '../src/regex-syntax.ts'
import { compareVersions, parseDerivationName, splitVersion } from '../src/version.ts'
import { readExpressions } from './expressions.ts'
import { testEvaluator } from './memory-io.ts'

const nix = peer('nix-instantiate')
const home = mkdtempSync(join(tmpdir(), 'builtins-'))
const environment = { NIX_REMOTE: 'dummy://', NIX_PATH: '' }
after(() => rmSync(home, { recursive: true, force: true }))
const evaluator = testEvaluator()

describe('builtins agree with nix-instantiate', { skip: nix.skip }, () => {
  test('values', () => {
    const expressions = readExpressions('builtin-values.txt')
    const all = `[${expressions.map((text) => `(\n${text}\n)`).join('\n')}]`
    if (printed(all) === nixValue(all)) return
    const ours = expressions.map(printed)
    const theirs = expressions.map((text) => nixValue(text))
    assertSame(expressions, ours, theirs)
    assert.fail('each expression agrees, but not all of them together')
  })

  test('errors', () => {
    const expressions = readExpressions('builtin-errors.txt')
    const theirs = expressions.map((text) => {
      const result = nix.run(['--eval', '--strict', '-'], { home, environment, input: text })
      assert.notEqual(result.status, 0, text)
      return firstLine(result.stderr)
    })
    assertSame(expressions, expressions.map(errorOf), theirs)
  })

  test('match and split', () => {
    const patterns = fc.sample(regexes, { numRuns: 800, seed: 7 }).filter((pattern) => pattern.length <= 40)
    const subjects = fc.sample(fc.string({ unit: fc.constantFrom(...'abcx-.|]'), maxLength: 7 }), {
      numRuns: 800,
      seed: 7,
    })
    const inputs: [string, string][] = []
    const ours: unknown[] = []
    const refused: string[] = []
    for (const [i, pattern] of patterns.entries()) {
      const subject = subjects[i]!
      try {
        const regex = compileRegex(pattern)
        ours.push([regex.match(subject) ?? null, regex.split(subject)])
        inputs.push([pattern, subject])
      } catch (error) {
        assert.ok(error instanceof RegexSyntaxError, pattern)
        refused.push(pattern)
      }
    }
    const items = inputs.map(
      ([pattern, subject]) =>
        `[ (builtins.match ${quoted(pattern)} ${quoted(subject)}) (builtins.split ${quoted(pattern)} ${quoted(subject)}) ]`,
    )
    assertSame(inputs, ours, nixJson(items))
    for (const pattern of refused.slice(0, 10)) {
      const text = `builtins.match ${quoted(pattern)} ""`
      const result = nix.run(['--eval', '-'], { home, environment, input: text })
      assert.match(result.stderr, /error: invalid regular expression/, pattern)
    }
  })

  test('replaceStrings, in short texts and in long ones', () => {
    const word = fc.string({ unit: fc.constantFrom(...'ab.$&\\(é'), maxLength: 3 })
    const cases = fc.sample(fc.record({ pairs: fc.array(fc.tuple(word, word), { maxLength: 4 }), text: word }), {
      numRuns: 600,
      seed: 11,
    })
    const items = cases.flatMap(({ pairs, text }) => {
      const from = pairs.map(([word]) => quoted(word)).join(' ')
      const to = pairs.map(([, word]) => quoted(word)).join(' ')
      const subject = `${quoted(text)} + s + ${quoted('ab.$')} + s`
      return [quoted('b.'), 'long'].map(
        (s) =>
          `(builtins.hashString "md5" (builtins.replaceStrings [ ${from} ] [ ${to} ] (let s = ${s}; in ${subject})))`,
      )
    })
    const part = `${quoted('a$.b&(\\a')} + toString n + ${quoted('bé')}`
    const long = `let long = builtins.concatStringsSep "" (builtins.genList (n: ${part}) 400); in`
    const all = `${long} [\n${items.join('\n')}\n]`
    assertSame(items, ourJson(all), nixJsonText(all))
  })

  test('versions', () => {
    const versions = fc.sample(fc.string({ unit: fc.constantFrom(...'019.-apre~+', 'pre'), maxLength: 8 }), {
      numRuns: 400,
      seed: 3,
    })
    const inputs = versions.map((version, i) => [version, versions[(i * 7 + 1) % versions.length]!] as const)
    const items = inputs.map(
      ([a, b]) =>
        `[ (builtins.compareVersions ${quoted(a)} ${quoted(b)}) (builtins.splitVersion ${quoted(a)}) (builtins.parseDrvName ${quoted(a)}) ]`,
    )
    const ours = inputs.map(([a, b]) => [compareVersions(a, b), splitVersion(a), parseDerivationName(a)])
    assertSame(inputs, ours, nixJson(items))
  })

  test('JSON there and back', () => {
    const texts = fc
      .sample(fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }), { numRuns: 100, seed: 5 })
      .map((value) => JSON.stringify(value))
      .filter((text) => !text.includes('\\u0000'))
    const expression = `map (t: let v = builtins.fromJSON t; in [ (builtins.toJSON v) (builtins.toXML v) ]) [ ${texts.map((text) => bytesQuoted(text)).join('\n')} ]`
    assertSame(texts, ourJson(expression), nixJsonText(expression))
  })

  test('JSON that is none', () => {
    const texts = fc.sample(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0d8e1-.+ tn\n\x01'), maxLength: 8 }), {
      numRuns: 400,
      seed: 9,
    })
    let checked = 0
    for (const text of texts) {
      const expression = `builtins.fromJSON ${quoted(text)}`
      if (errorOf(expression) === 'no error') continue
      const result = nix.run(['--eval', '-'], { home, environment, input: expression })
      assert.equal(errorOf(expression), firstLine(result.stderr), JSON.stringify(text))
      if (++checked === 30) break
    }
  })
})

const atoms = fc.constantFrom(
  ...['a', 'b', 'c', '.', '[ab]', '[^a]', '[[:alpha:]]', '[a-c]', 'x', ']', '-', '[]a]', '[a-]', '\\.', '\\|'],
  ...['^', '$', '[b-]', '[--a]', '}', '[[.hyphen.]a]', '[[=a=]b]', '[[.a.]-c]', '[[.-.]a]', '\\d', '*'],
)
const quantifiers = fc.constantFrom('*', '+', '?', '{0,2}', '{1,}', '{2}')
const { regexes } = fc.letrec<{ regexes: string }>((tie) => ({
  regexes: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc.array(tie('regexes'), { maxLength: 3 }).map((items) => items.join('')),
    tie('regexes').map((inner) => `(${inner})`),
    fc.tuple(tie('regexes'), tie('regexes')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('regexes'), quantifiers).map(([inner, quantifier]) => `(${inner})${quantifier}`),
    fc.tuple(atoms, quantifiers).map(([inner, quantifier]) => inner + quantifier),
    fc.tuple(tie('regexes'), tie('regexes')).map(([a, b]) => `${a}|${b}`),
  ),
}))

function printed(text: string): string {
  return printValue(forceDeep(evaluator.evaluateText(text, home, '«stdin»')))
}

function errorOf(text: string): string {
  try {
    forceDeep(evaluator.evaluateText(text, home, '«stdin»'))
  } catch (error) {
    // Nix prints errors of its library without a place, and so do we.
    if (!(error instanceof EvaluationError)) return `error: ${(error as Error).message}`
    return firstLine(formatError(error, { showTrace: false }))
  }
  return 'no error'
}

function firstLine(stderr: string): string {
  const lines = stderr.split('\n')
  return lines.find((line) => line.startsWith('error:')) ?? stderr
}

function nixValue(text: string): string {
  return nix.output(['--eval', '--strict', '-'], { home, environment, input: text })
}

function nixJson(items: readonly string[]): unknown[] {
  return nixJsonText(`[\n${items.join('\n')}\n]`)
}

function nixJsonText(expression: string): unknown[] {
  const text = nix.output(['--eval', '--strict', '--json', '-'], { home, environment, input: latin1(expression) })
  return JSON.parse(text) as unknown[]
}

function ourJson(expression: string): unknown[] {
  const value = evaluator.evaluateText(expression, home, '«stdin»')
  return JSON.parse(jsonText(evaluator, value, new ContextCollector())) as unknown[]
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function quoted(text: string): string {
  return `"${text.replace(/["\\$]/g, (char) => `\\${char}`).replaceAll('\n', '\\n')}"`
}

function bytesQuoted(text: string): string {
  return quoted(Buffer.from(text, 'utf8').toString('latin1'))
}

/** Compares one by one, so that a difference says where it is. */
function assertSame(inputs: readonly unknown[], ours: readonly unknown[], theirs: readonly unknown[]): void {
  assert.equal(ours.length, theirs.length)
  for (const [i, input] of inputs.entries()) assert.deepEqual(ours[i], theirs[i], JSON.stringify(input))
}
