/** The same expressions through us and through Nix 2.8. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { peer } from '@baryon/testing'
import fc from 'fast-check'
import { forceDeep, formatError, parseFile, parseSyntax, printSyntax, printValue, symbolText } from '../index.ts'
import { errorText } from './error-text.ts'
import { readExpressions } from './expressions.ts'
import { testEvaluator } from './memory-io.ts'

const nix = peer('nix-instantiate')
const home = mkdtempSync(join(tmpdir(), 'language-'))
const environment = {
  NIX_STORE_DIR: join(home, 'store'),
  NIX_STATE_DIR: join(home, 'state'),
  NIX_LOG_DIR: join(home, 'log'),
  NIX_PATH: '',
  HOME: home,
}
after(() => rmSync(home, { recursive: true, force: true }))
const evaluator = testEvaluator()

describe('differential with nix-instantiate', { skip: nix.skip }, () => {
  test('values', () => {
    const expressions = readExpressions('values.txt')
    const all = `[${expressions.map((text) => `(\n${text}\n)`).join('\n')}]`
    if (ourValue(all) === nixValue(all)) return
    // Which one is it?
    for (const text of expressions) assert.equal(ourValue(text), nixValue(text), text)
    assert.fail('each expression agrees, but not all of them together')
  })

  test('what is printed without being evaluated', () => {
    // Functions, and lists and sets without items, are there at once here: Nix says <CODE> of those as well.
    const parts = [
      'true',
      'null',
      'builtins.nixVersion',
      'map',
      '1',
      '"s"',
      '[ true ]',
      '1 + 1',
      '__langVersion',
      '__currentTime',
      'derivation { name = "a"; system = "b"; builder = "c"; }',
      'derivation { name = "a"; system = "b"; builder = "c"; outputs = [ "out" "dev" ]; }',
    ]
    const text = `{ ${parts.map((part, i) => `a${i} = ${part};`).join(' ')} }`
    const theirs = nix.output(['--eval', '-'], { home, environment, input: text })
    // The time is a constant in Nix; here it is asked for when it is used.
    assert.equal(printValue(evaluator.evaluateText(text, home, '«stdin»')), theirs.replace(/\d{9,}/, '<CODE>'))
  })

  test('floats are rounded as in C', () => {
    const odd = fc.integer({ min: 0, max: 2 ** 30 }).map((count) => 2 * count + 1)
    const float = fc.oneof(
      // Half way between two texts of six places, and of six digits.
      odd.map((count) => count / 128),
      fc
        .tuple(fc.integer({ min: 100_000, max: 999_999 }), fc.integer({ min: -4, max: 12 }))
        .map(([n, e]) => (10 * n + 5) * 10 ** e),
      fc.integer({ min: 100_000, max: 999_999 }).map((number) => number + 0.5),
      fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e20, max: 1e20 })
        // Nix takes no literal of a number that has fewer bits than others.
        .filter((value) => value === 0 || Math.abs(value) > 1e-300),
    )
    const literals = fc.sample(float, 400).map((value) => `(${literal(value)})`)
    const all = `let floats = [ ${literals.join(' ')} ]; in [ floats (map toString floats) (builtins.toJSON floats) ]`
    assert.equal(ourValue(all), nixValue(all))
  })

  test('the path of a derivation, whatever is in its texts', () => {
    const odd = String.raw`"a\"b\\c\n\t"`
    const text = `(derivation { name = "x"; system = ${odd}; builder = ${odd}; args = [ ${odd} ]; y = ${odd}; }).drvPath`
    const nixStore = { ...environment, NIX_STORE_DIR: '/nix/store', NIX_REMOTE: 'dummy://' }
    const theirs = nix.output(['--eval', '-'], { home, environment: nixStore, input: text })
    assert.equal(ourValue(text), theirs)
  })

  test('errors', () => {
    for (const text of readExpressions('errors.txt')) {
      const result = nix.run(['--eval', '--strict', '-'], { home, environment, input: text })
      assert.notEqual(result.status, 0, text)
      assert.equal(ourError(text), errorText(result.stderr), text)
    }
  })

  test('traces', () => {
    const traced = testEvaluator(undefined, { showTrace: true })
    for (const text of readExpressions('traces.txt')) {
      const result = nix.run(['--eval', '--strict', '--show-trace', '-'], { home, environment, input: text })
      assert.equal(ourError(text, traced), errorText(result.stderr), text)
    }
  })

  test('parsing', () => {
    const expressions = readExpressions('parses.txt')
    const base = {
      base: { directory: home, home: () => home },
      builtinNames: new Set(evaluator.builtins.keys.map(symbolText)),
    }
    for (const text of expressions) {
      const theirs = nix.output(['--parse', '-'], { home, environment, input: text })
      parseFile(text, '«stdin»', { globals: evaluator.globalNames })
      assert.equal(printSyntax(parseSyntax({ name: '«stdin»', source: () => text }, text), base), theirs, text)
    }
  })
})

/** A float of the language has a point. */
function literal(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${exponent}`
}

function ourValue(text: string): string {
  return printValue(forceDeep(evaluator.evaluateText(text, home, '«stdin»')))
}

function nixValue(text: string): string {
  return nix.output(['--eval', '--strict', '-'], { home, environment, input: text })
}

function ourError(text: string, using = evaluator): string {
  try {
    forceDeep(using.evaluateText(text, home, '«stdin»'))
  } catch (error) {
    return errorText(formatError(error as Error, { showTrace: using.settings.showTrace }))
  }
  return 'no error'
}
