/**
 * The command lines of Nix's own programs: long options without `=`, a fixed number of values each, and short
 * switches that may be written together (`-qR`, `-j4`).
 */
import { UserError } from '@baryon/format'

export interface FrontSpecification {
  /** Number of values of each option, by every spelling. */
  readonly options: Readonly<Record<string, number>>
  /** Other spellings, to the one in `options`. */
  readonly aliases: Readonly<Record<string, string>>
}

export interface FrontArguments {
  readonly operands: readonly string[]
  /** The options in their order. */
  readonly given: readonly (readonly [name: string, ...values: string[]])[]
  has(name: string): boolean
  last(name: string): string | undefined
  all(name: string): readonly string[]
}

/** Understood by all programs, most of them settings that change nothing here. */
export const commonFrontOptions: FrontSpecification = {
  options: {
    '--arg': 2,
    '--argstr': 2,
    '--include': 1,
    '--show-trace': 0,
    '--no-show-trace': 0,
    '--verbose': 0,
    '--quiet': 0,
    '--debug': 0,
    '--no-build-output': 0,
    '--max-jobs': 1,
    '--cores': 1,
    '--keep-failed': 0,
    '--keep-going': 0,
    '--fallback': 0,
    '--timeout': 1,
    '--max-silent-time': 1,
    '--option': 2,
    '--store': 1,
    '--log-format': 1,
    '--no-gc-warning': 0,
    '--readonly-mode': 0,
    '--repair': 0,
    '--impure': 0,
    '--pure-eval': 0,
    '--restrict-eval': 0,
    '--no-location': 0,
    '--trace-verbose': 0,
    '--offline': 0,
    '--sandbox': 0,
    '--no-sandbox': 0,
    '--extra-experimental-features': 1,
    '--experimental-features': 1,
    '--max-call-depth': 1,
    '--lint-url-literals': 1,
    '--lint-absolute-path-literals': 1,
    '--lint-short-path-literals': 1,
    '--allow-import-from-derivation': 0,
    '--no-allow-import-from-derivation': 0,
    '--help': 0,
    '--version': 0,
  },
  aliases: {
    '-I': '--include',
    '-v': '--verbose',
    '-Q': '--no-build-output',
    '-j': '--max-jobs',
    '-K': '--keep-failed',
    '-k': '--keep-going',
  },
}

export function parseFrontArguments(
  program: string,
  words: readonly string[],
  specification: FrontSpecification,
): FrontArguments {
  const options = { ...commonFrontOptions.options, ...specification.options }
  const aliases = { ...commonFrontOptions.aliases, ...specification.aliases }
  const given: [string, ...string[]][] = []
  const operands: string[] = []
  const pending = [...words]
  while (pending.length > 0) {
    const word = pending.shift()!
    if (/^-[A-Za-z]./.test(word)) {
      const [, letter, rest] = /^-([A-Za-z])(.*)$/s.exec(word)!
      // As Nix does: letters become switches of their own, the first other character starts a value.
      pending.unshift(`-${letter}`, ...split(rest!))
      continue
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    const name = aliases[word] ?? word
    const count = options[name]
    if (count === undefined) throw unrecognised(program, word)
    if (pending.length < count) throw new UserError('USAGE', `flag '${word}' requires ${count} argument(s)`)
    given.push([name, ...pending.splice(0, count)])
  }
  const all = (name: string): string[] => given.filter(([one]) => one === name).map(([, value]) => value!)
  return {
    operands,
    given,
    has: (name) => given.some(([one]) => one === name),
    last: (name) => all(name).at(-1),
    all,
  }
}

function split(rest: string): string[] {
  const words: string[] = []
  for (let index = 0; index < rest.length; index++) {
    if (!/[A-Za-z]/.test(rest[index]!)) {
      words.push(rest.slice(index))
      break
    }
    words.push(`-${rest[index]}`)
  }
  return words
}

function unrecognised(program: string, word: string): UserError {
  return new UserError('USAGE', `unrecognised flag '${word}'\nTry '${program} --help' for more information.`)
}

/** What the last `--option` of that name says. */
export function optionOf(given: FrontArguments, option: string): string | undefined {
  return given.given.findLast(([name, key]) => name === '--option' && key === option)?.[2]
}

/** The tier that was asked for, or undefined: the best that works. */
export function frontSandbox(given: FrontArguments): string | undefined {
  const isOff = given.has('--no-sandbox') || optionOf(given, 'sandbox') === 'false'
  return process.env.BARYON_SANDBOX ?? (isOff ? 'none' : undefined)
}
