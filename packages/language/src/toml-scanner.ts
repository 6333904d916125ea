import { attrsFromEntries } from './attrs.ts'
import { ValueError } from './errors.ts'
import { nullByteMessage } from './null-byte.ts'
import { lineColumn } from './position.ts'
import { intern } from './symbols.ts'
import { tomlTimestamp } from './toml-timestamp.ts'
import { Float, type Value } from './value.ts'

export interface TomlOptions {
  readonly newer: boolean
  readonly timestamps: boolean
}

/** Reads the tokens of a TOML text; all errors are `ValueError`s that say line and column. */
export class TomlScanner {
  readonly #text: string
  readonly #options: TomlOptions
  #at = 0

  constructor(text: string, options: TomlOptions) {
    this.#options = options
    this.#text = text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Takes a literal text if it comes next. */
  take(literal: string): boolean {
    if (!this.#text.startsWith(literal, this.#at)) return false
    this.#at += literal.length
    return true
  }

  expect(literal: string): void {
    this.skipBlanks()
    if (!this.take(literal)) throw this.error(`expected '${literal}'`)
  }

  skipBlanks(): void {
    this.#skip(BLANKS)
  }

  /** Blanks, comments and line ends. */
  skipLines(): void {
    this.#skip(LINES)
  }

  endOfLine(): void {
    this.#skip(BLANKS_AND_COMMENT)
    if (!this.atEnd() && !this.#match(LINE_END)) throw this.error('expected the end of the line')
  }

  /** `a.b."c d"`. */
  keyPath(): string[] {
    const keys: string[] = []
    for (;;) {
      this.skipBlanks()
      keys.push(this.#checked(this.#key()))
      this.skipBlanks()
      if (!this.take('.')) return keys
    }
  }

  /** A string, number or boolean. */
  scalar(): Value {
    if (this.take('"""')) return this.#checked(this.#multiline(false))
    if (this.take("'''")) return this.#checked(this.#multiline(true))
    if (this.#text[this.#at] === '"' || this.#text[this.#at] === "'") return this.#checked(this.#quoted())
    if (this.#match(TRUE)) return true
    if (this.#match(FALSE)) return false
    if (this.#matches(DATE)) return this.#timestamp()
    const float = this.#match(FLOAT)
    if (float !== undefined) return new Float(floatValue(float))
    const integer = this.#match(INTEGER)
    if (integer !== undefined) return this.#integer(integer)
    throw this.error('expected a value')
  }

  error(problem: string): ValueError {
    const { line, column } = lineColumn(this.#text, Math.min(this.#at, this.#text.length))
    return this.#failure(`[error] ${problem} at line ${line}, column ${column}`)
  }

  #failure(problem: string): ValueError {
    return new ValueError(`while parsing ${this.#options.newer ? 'TOML' : 'a TOML string'}: ${problem}`)
  }

  #checked(text: string): string {
    if (this.#options.newer && text.includes('\0')) throw this.#failure(`error: ${nullByteMessage(text)}`)
    return text
  }

  #timestamp(): Value {
    if (!this.#options.timestamps) throw this.#failure('Dates and times are not supported')
    const start = this.#at
    const text = tomlTimestamp(this.#match(TIMESTAMP) ?? '')
    if (text !== undefined) return attrsFromEntries([TYPE, VALUE], ['timestamp', text])
    this.#at = start
    throw this.error('this is no date or time')
  }

  #integer(text: string): number | bigint {
    const digits = text.replaceAll('_', '')
    const value = /^[+-]/.test(digits) ? BigInt(digits.slice(1)) * (digits.startsWith('-') ? -1n : 1n) : BigInt(digits)
    if (BigInt.asIntN(64, value) !== value) throw this.#tooLarge(text)
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  /** Behind the integer. Today in the words of toml11. */
  #tooLarge(text: string): ValueError {
    const error = this.error(`integer ${text} does not fit into 64 bits`)
    if (/^0[xob]/.test(text)) return error
    return error.inToday(() => {
      const { line, column } = lineColumn(this.#text, this.#at)
      const number = String(line)
      const margin = ' '.repeat(number.length)
      return [
        'while parsing TOML: [error] toml::parse_dec_integer: too large integer: current max digits = 2^63',
        `${margin} --> fromTOML`,
        `${margin} |`,
        `${number} | ${this.#text.split('\n')[line - 1]}`,
        `${margin} | ${' '.repeat(column - 1)}^-- must be < 2^63`,
      ].join('\n')
    })
  }

  #key(): string {
    const next = this.#text[this.#at]
    if (next === '"' || next === "'") return this.#quoted()
    const bare = this.#match(BARE_KEY)
    if (bare === undefined) throw this.error('expected a key')
    return bare
  }

  #quoted(): string {
    const quote = this.#text[this.#at]!
    this.#at++
    let result = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined || char === '\n' || char === '\r') throw this.error('string without an end')
      if (isControl(char)) throw this.error('control character in a string')
      this.#at++
      if (char === quote) return result
      result += char === '\\' && quote === '"' ? this.#escape() : char
    }
  }

  #multiline(literal: boolean): string {
    const quote = literal ? "'" : '"'
    this.#match(LINE_END)
    let result = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) throw this.error('string without an end')
      if (this.take(quote.repeat(3))) {
        // Up to two quotes may stand directly before the closing ones.
        for (let i = 0; i < 2 && this.take(quote); i++) result += quote
        return result
      }
      if (isControl(char) && char !== '\n' && char !== '\r') throw this.error('control character in a string')
      this.#at++
      if (char !== '\\' || literal) result += char
      else if (this.#match(LINE_CONTINUATION) === undefined) result += this.#escape()
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? ''
    const simple = ESCAPES[letter]
    if (simple !== undefined) {
      this.#at++
      return simple
    }
    const code = this.#match(UNICODE)
    if (code === undefined) throw this.error(`unknown escape '\\${letter}'`)
    const point = Number.parseInt(code.slice(1), 16)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw this.error(`'\\${code}' is no character`)
    return Buffer.from(String.fromCodePoint(point), 'utf8').toString('latin1')
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match[0]
  }

  #matches(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    return pattern.test(this.#text)
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at
    pattern.test(this.#text)
    this.#at = pattern.lastIndex
  }
}

const TYPE = intern('_type')
const VALUE = intern('value')

const TIMESTAMP = /[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ](?=[0-9])[0-9:.]+(?:[Zz]|[+-][0-9:]+)?)?|[0-9]{2}:[0-9:.]+/y
const BLANKS = /[ \t]*/y
const BLANKS_AND_COMMENT = /[ \t]*(?:#[^\r\n]*)?/y
const LINES = /(?:[ \t\r\n]|#[^\r\n]*)*/y
const LINE_END = /\r?\n/y
const LINE_CONTINUATION = /[ \t]*\r?\n[ \t\r\n]*/y
const BARE_KEY = /[A-Za-z0-9_-]+/y
const TRUE = /true(?![A-Za-z0-9_-])/y
const FALSE = /false(?![A-Za-z0-9_-])/y
const DATE = /[0-9]{4}-[0-9]{2}|[0-9]{2}:[0-9]{2}/y
const FLOAT =
  /[+-]?(?:inf|nan|(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9](?:_?[0-9])*(?:[eE][+-]?[0-9](?:_?[0-9])*)?|[eE][+-]?[0-9](?:_?[0-9])*))(?![A-Za-z0-9_])/y
const INTEGER =
  /(?:0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*|[+-]?(?:0|[1-9](?:_?[0-9])*))(?![A-Za-z0-9_.])/y
const UNICODE = /u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}/y

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  '"': '"',
  '\\': '\\',
}

function isControl(char: string): boolean {
  const code = char.charCodeAt(0)
  return (code < 0x20 && code !== 0x09) || code === 0x7f
}

function floatValue(text: string): number {
  const digits = text.replaceAll('_', '')
  const unsigned = digits.replace(/^[+-]/, '')
  const value = unsigned === 'inf' ? Number.POSITIVE_INFINITY : unsigned === 'nan' ? Number.NaN : Number(unsigned)
  return digits.startsWith('-') ? -value : value
}
