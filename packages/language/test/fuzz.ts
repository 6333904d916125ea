/** Feeds damaged programs to the parser and the evaluator. */
import { globSync, readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { type MutationSource, mutate, randomNumbers } from '@baryon/testing'
import { forceDeep, parseFile, printValue, ValueError } from '../index.ts'
import { readExpressions } from './expressions.ts'
import { memoryIo, testEvaluator } from './memory-io.ts'
import { TOKENS } from './tokens.ts'

export interface FuzzReport {
  readonly inputs: number
  readonly parsed: number
  readonly evaluated: number
  /** Refusals by their codes. */
  readonly codes: Readonly<Record<string, number>>
  /** MiB by which the resident memory of the process grew. */
  readonly growth: number
}

/**
 * Damaged files of the repository (and of `NIXPKGS_2017`) go through the parser, damaged expressions of the tests' tables
 * also through the evaluator; the same ones for the same seed. Throws for the first that ends in anything but a value or
 * an error with a code.
 */
export function fuzzLanguage(count: number, seed: number): FuzzReport {
  const files = realFiles()
  const expressions = ['values.txt', 'errors.txt', 'traces.txt', 'builtin-values.txt', 'builtin-errors.txt']
    .flatMap(readExpressions)
    .map(bytesOf)
  const codes: Record<string, number> = {}
  let parsed = 0
  let evaluated = 0
  const before = process.memoryUsage.rss()
  for (let index = 0; index < count; index++) {
    const random = randomNumbers(seed + index)
    const isExpression = index % 2 === 0
    const samples = isExpression ? expressions : files
    const sample = samples[Math.floor(random() * samples.length)]!
    const source = { random, others: samples, words: WORDS }
    const isGraft = isExpression && index % 3 !== 0
    const text = isGraft ? graft(sample, source) : mutate(sample, source).toString('latin1')
    try {
      parseFile(text, '«string»', { globals: GLOBALS })
      parsed++
      if (!isExpression || takesLong(text)) continue
      evaluate(text)
      evaluated++
    } catch (error) {
      if (error instanceof UserError) codes[error.code] = (codes[error.code] ?? 0) + 1
      // Of a file that is not there: the worlds that are not for tests give it a code.
      else if (error instanceof Error && ('syscall' in error || /null bytes/.test(error.message))) continue
      // What the command does in a thread with a larger stack then.
      else if (error instanceof RangeError && error.message.startsWith('Maximum call stack')) continue
      else throw new Error(`seed ${seed + index}: ${JSON.stringify(text)}`, { cause: error })
    }
  }
  const growth = Math.max(0, process.memoryUsage.rss() - before) / 2 ** 20
  return { inputs: count, parsed, evaluated, codes, growth: Math.round(growth) }
}

const GLOBALS = new Set(testEvaluator().globalNames)

/** With up to three of its words, numbers and strings replaced by other expressions: much of that still is one. */
function graft(sample: Buffer, { random, others }: MutationSource): string {
  let text = sample.toString('latin1')
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    const places = [...text.matchAll(/"[^"$\\]*"|[a-zA-Z_][\w'-]*|\d+/g)]
    if (places.length === 0) break
    const { 0: word, index } = places[Math.floor(random() * places.length)]!
    const other = Buffer.from(others[Math.floor(random() * others.length)]!).toString('latin1')
    text = `${text.slice(0, index)}(${other})${text.slice(index + word.length)}`
  }
  return text
}

function realFiles(): Buffer[] {
  const places = [new URL('../../../', import.meta.url).pathname, process.env.NIXPKGS_2017].filter(
    (one) => one !== undefined,
  )
  const patterns = ['stacks/**/*.nix', 'packages/language/test/data/**/*.nix', 'pkgs/**/default.nix', 'lib/*.nix']
  return places
    .flatMap((cwd) => patterns.flatMap((pattern) => globSync(pattern, { cwd }).map((path) => `${cwd}/${path}`)))
    .sort()
    .slice(0, 3000)
    .map((path) => readFileSync(path))
    .filter((bytes) => bytes.length < 30_000)
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Lists of a million items are made as they are asked for, and a closure may have no end. */
function takesLong(text: string): boolean {
  return /(?<!\d)\d{6,10}(?!\d)|e\d\d|genericClosure/.test(text)
}

function evaluate(text: string): void {
  const refuse = (): never => {
    throw new ValueError('nothing is built or fetched here')
  }
  const io = { ...memoryIo(), realise: refuse, fetch: refuse }
  const evaluator = testEvaluator(io, { maxCallDepth: 300, newerFeatures: text.length % 2 === 0 })
  const value = evaluator.evaluateText(text, '/', '«string»')
  forceDeep(value)
  printValue(value)
}

const WORDS = [
  ...TOKENS,
  ...[
    '__functor',
    '__toString',
    'outPath',
    'type = "derivation";',
    'builtins.',
    'throw "x"',
    'abort',
    'builtins.tryEval',
  ],
  ...['derivation { name = "a"; system = "s"; builder = "b"; }', 'x: x', '{ a ? 1, ... }@b: b', 'rec { a = a; }.a'],
]
