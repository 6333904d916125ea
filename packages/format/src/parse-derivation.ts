import type { Derivation, DerivationOutput } from './derivation.ts'
import { quoteBytes } from './quote-bytes.ts'
import { UserError } from './user-error.ts'

/**
 * Reads an ATerm (byte string). `formatDerivation` gives the same bytes back when they were sorted, as Nix writes them.
 * Duplicate outputs, inputs or variables, relative paths, and anything behind the end are refused.
 */
export function parseDerivation(text: string): Derivation {
  const reader = new Reader(text)
  if (text.startsWith('DrvWithVersion(')) throw newerForm(text)
  reader.expect('Derive([')
  const outputs = new Map<string, DerivationOutput>()
  reader.items(() => {
    reader.expect('(')
    const start = reader.offset
    const name = reader.string()
    reader.expect(',')
    const path = reader.string()
    if (path !== '') checkAbsolute(path, start)
    reader.expect(',')
    const hashAlgo = reader.string()
    reader.expect(',')
    const hash = reader.string()
    reader.expect(')')
    if (outputs.has(name)) throw invalid(`output ${quoteBytes(name)} is listed twice`, start)
    outputs.set(name, { path, hashAlgo, hash })
  })
  reader.expect(',[')
  const inputDerivations = new Map<string, readonly string[]>()
  reader.items(() => {
    reader.expect('(')
    const start = reader.offset
    const path = reader.string()
    checkAbsolute(path, start)
    reader.expect(',[')
    const names = reader.strings()
    reader.expect(')')
    if (inputDerivations.has(path)) throw invalid(`input ${quoteBytes(path)} is listed twice`, start)
    inputDerivations.set(path, names)
  })
  reader.expect(',[')
  const sourcesStart = reader.offset
  const inputSources = reader.strings()
  for (const path of inputSources) checkAbsolute(path, sourcesStart)
  reader.expect(',')
  const system = reader.string()
  reader.expect(',')
  const builder = reader.string()
  reader.expect(',[')
  const args = reader.strings()
  reader.expect(',[')
  const env = new Map<string, string>()
  reader.items(() => {
    reader.expect('(')
    const start = reader.offset
    const name = reader.string()
    reader.expect(',')
    const value = reader.string()
    reader.expect(')')
    if (env.has(name)) throw invalid(`variable ${quoteBytes(name)} is listed twice`, start)
    env.set(name, value)
  })
  reader.expect(')')
  if (reader.offset !== text.length) throw invalid('something follows its end', reader.offset)
  return { outputs, inputDerivations, inputSources, system, builder, args, env }
}

class Reader {
  readonly text: string
  offset = 0

  constructor(text: string) {
    this.text = text
  }

  expect(literal: string): void {
    if (!this.text.startsWith(literal, this.offset)) {
      const found = this.text.slice(this.offset, this.offset + literal.length)
      throw invalid(
        `expected ${quoteBytes(literal)}, found ${found === '' ? 'the end' : quoteBytes(found)}`,
        this.offset,
      )
    }
    this.offset += literal.length
  }

  /** Items up to the closing bracket; the opening one is already read. */
  items(item: () => void): void {
    if (this.text[this.offset] === ']') {
      this.offset++
      return
    }
    for (;;) {
      item()
      if (this.text[this.offset] === ']') {
        this.offset++
        return
      }
      this.expect(',')
    }
  }

  strings(): string[] {
    const strings: string[] = []
    this.items(() => {
      strings.push(this.string())
    })
    return strings
  }

  string(): string {
    const start = this.offset
    this.expect('"')
    // Looking for the next quote, and then for a backslash before it, keeps both searches native and each byte looked at twice.
    let end = this.text.indexOf('"', this.offset)
    if (end < 0) throw invalid('a string has no end', start)
    const plain = this.text.slice(this.offset, end)
    if (!plain.includes('\\')) {
      this.offset = end + 1
      return plain
    }
    while (this.#isEscaped(end)) {
      end = this.text.indexOf('"', end + 1)
      if (end < 0) throw invalid('a string has no end', start)
    }
    const raw = this.text.slice(this.offset, end)
    this.offset = end + 1
    return raw.replace(/\\([\s\S])/g, (_, char: string) => UNESCAPED[char] ?? char)
  }

  #isEscaped(quote: number): boolean {
    let backslashes = 0
    while (quote - backslashes > this.offset && this.text[quote - backslashes - 1] === '\\') backslashes++
    return backslashes % 2 === 1
  }
}

const UNESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function checkAbsolute(path: string, offset: number): void {
  if (path[0] !== '/') throw invalid(`path ${quoteBytes(path)} is not absolute`, offset)
}

function invalid(message: string, offset: number): UserError {
  return new UserError('DERIVATION_INVALID', `malformed derivation: ${message} (offset ${offset})`)
}

function newerForm(text: string): UserError {
  const version = /^DrvWithVersion\("([^"\\]{0,60})"/.exec(text)?.[1]
  return new UserError(
    'DERIVATION_VERSION',
    `derivation has the newer form ${quoteBytes(version ?? text.slice(0, 40))}, which is not supported`,
    {
      hint: 'it was written with an experimental feature of a newer Nix (dynamic derivations): evaluate without it',
    },
  )
}
