/**
 * The words of nlohmann's JSON parser for what is wrong with a text, because Nix shows them. It is a second, slow
 * parser in the manner of that library, run only after the fast one gave up.
 */
export function diagnoseJson(text: string): string {
  const scanner = new Scanner(text)
  /** Closing brackets still to come. */
  const open: (']' | '}')[] = []
  let token = scanner.next()
  for (;;) {
    // A value starts with `token`.
    let closed = false
    if (token === "'{'") {
      token = scanner.next()
      if (token === "'}'") closed = true
      else {
        const problem = objectKey(scanner, token)
        if (problem !== undefined) return problem
        open.push('}')
        token = scanner.next()
        continue
      }
    } else if (token === "'['") {
      token = scanner.next()
      if (token === "']'") closed = true
      else {
        open.push(']')
        continue
      }
    } else if (token === 'number literal' && scanner.overflow) {
      return `[json.exception.out_of_range.406] number overflow parsing '${scanner.read}'`
    } else if (!closed && !SCALARS.includes(token)) {
      return scanner.message(token, 'value', token === PARSE_ERROR ? undefined : "'[', '{', or a literal")
    }
    for (;;) {
      token = scanner.next()
      const top = open.at(-1)
      if (top === undefined) return scanner.message(token, 'value', 'end of input')
      if (token === "','") {
        token = scanner.next()
        if (top === '}') {
          const problem = objectKey(scanner, token)
          if (problem !== undefined) return problem
          token = scanner.next()
        }
        break
      }
      if (token !== `'${top}'`) return scanner.message(token, top === ']' ? 'array' : 'object', `'${top}'`)
      open.pop()
    }
  }
}

function objectKey(scanner: Scanner, token: string): string | undefined {
  if (token !== 'string literal') return scanner.message(token, 'object key', 'string literal')
  const separator = scanner.next()
  return separator === "':'" ? undefined : scanner.message(separator, 'object separator', "':'")
}

const PARSE_ERROR = '<parse error>'
const SCALARS = ['string literal', 'number literal', 'true literal', 'false literal', 'null literal']
const END = -1

class Scanner {
  readonly #text: string
  #at = 0
  #column = 0
  #line = 0
  #current = END
  #problem = ''
  /** What was read since the last string or number began; the library does not clear it for other tokens. */
  read = ''
  overflow = false

  constructor(text: string) {
    this.#text = text
    if (text.startsWith('\xef\xbb\xbf')) {
      this.#at = 3
      this.#column = 3
    }
  }

  message(token: string, context: string, expected: string | undefined): string {
    let text = `[json.exception.parse_error.101] parse error at line ${this.#line + 1}, column ${this.#column}: syntax error while parsing ${context} - `
    text += token === PARSE_ERROR ? `${this.#problem}; last read: '${visible(this.read)}'` : `unexpected ${token}`
    return expected === undefined ? text : `${text}; expected ${expected}`
  }

  /** The name of the next token, as messages show it. */
  next(): string {
    do this.#get()
    while (this.#current === 0x20 || this.#current === 0x09 || this.#current === 0x0a || this.#current === 0x0d)
    switch (this.#current) {
      case END:
        return 'end of input'
      case 0x5b:
      case 0x5d:
      case 0x7b:
      case 0x7d:
      case 0x2c:
      case 0x3a:
        return `'${String.fromCharCode(this.#current)}'`
      case 0x74:
        return this.#literal('true')
      case 0x66:
        return this.#literal('false')
      case 0x6e:
        return this.#literal('null')
      case 0x22:
        return this.#string()
    }
    if (this.#current === 0x2d || isDigit(this.#current)) return this.#number()
    return this.#fail('invalid literal')
  }

  #get(): number {
    this.#column++
    this.#current = this.#at < this.#text.length ? this.#text.charCodeAt(this.#at) : END
    this.#at++
    if (this.#current !== END) this.read += String.fromCharCode(this.#current)
    if (this.#current === 0x0a) {
      this.#line++
      this.#column = 0
    }
    return this.#current
  }

  #unget(): void {
    this.#at--
    if (this.#column === 0) {
      if (this.#line > 0) this.#line--
    } else {
      this.#column--
    }
    if (this.#current !== END) this.read = this.read.slice(0, -1)
  }

  #fail(problem: string): string {
    this.#problem = problem
    return PARSE_ERROR
  }

  #literal(word: string): string {
    for (let i = 1; i < word.length; i++) if (this.#get() !== word.charCodeAt(i)) return this.#fail('invalid literal')
    return `${word} literal`
  }

  #number(): string {
    this.read = String.fromCharCode(this.#current)
    if (this.#current === 0x2d && !isDigit(this.#get())) return this.#fail("invalid number; expected digit after '-'")
    if (this.#current === 0x30) this.#get()
    else while (isDigit(this.#get()));
    if (this.#current === 0x2e) {
      if (!isDigit(this.#get())) return this.#fail("invalid number; expected digit after '.'")
      while (isDigit(this.#get()));
    }
    if (this.#current === 0x65 || this.#current === 0x45) {
      const sign = this.#get()
      if (sign === 0x2b || sign === 0x2d) {
        if (!isDigit(this.#get())) return this.#fail('invalid number; expected digit after exponent sign')
      } else if (!isDigit(sign)) {
        return this.#fail("invalid number; expected '+', '-', or digit after exponent")
      }
      while (isDigit(this.#get()));
    }
    this.#unget()
    this.overflow = !Number.isFinite(Number(this.read))
    return 'number literal'
  }

  #string(): string {
    this.read = '"'
    for (;;) {
      const char = this.#get()
      if (char === END) return this.#fail('invalid string: missing closing quote')
      if (char === 0x22) return 'string literal'
      if (char === 0x5c) {
        const problem = this.#escape()
        if (problem !== undefined) return this.#fail(problem)
      } else if (char < 0x20) {
        return this.#fail(`invalid string: control character ${controlText(char)}`)
      } else if (char >= 0x80 && !this.#continuation(char)) {
        return this.#fail('invalid string: ill-formed UTF-8 byte')
      }
    }
  }

  #escape(): string | undefined {
    const char = this.#get()
    if (char === END || !'"\\/bfnrtu'.includes(String.fromCharCode(char))) {
      return 'invalid string: forbidden character after backslash'
    }
    if (char !== 0x75) return undefined
    const unit = this.#hex4()
    if (unit < 0) return "invalid string: '\\u' must be followed by 4 hex digits"
    if (unit >= 0xdc00 && unit <= 0xdfff) return 'invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF'
    if (unit < 0xd800 || unit > 0xdbff) return undefined
    const unpaired = 'invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF'
    if (this.#get() !== 0x5c || this.#get() !== 0x75) return unpaired
    const low = this.#hex4()
    if (low < 0) return "invalid string: '\\u' must be followed by 4 hex digits"
    return low >= 0xdc00 && low <= 0xdfff ? undefined : unpaired
  }

  #hex4(): number {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const digit = Number.parseInt(String.fromCharCode(Math.max(this.#get(), 0)), 16)
      if (Number.isNaN(digit)) return -1
      value = value * 16 + digit
    }
    return value
  }

  /** The rest of a UTF-8 sequence; false at the first byte that does not fit. */
  #continuation(first: number): boolean {
    const ranges = continuationRanges(first)
    if (ranges === undefined) return false
    for (const [low, high] of ranges) {
      const byte = this.#get()
      if (byte < low || byte > high) return false
    }
    return true
  }
}

type ByteRange = readonly [number, number]
const ANY: ByteRange = [0x80, 0xbf]

function continuationRanges(first: number): readonly ByteRange[] | undefined {
  if (first >= 0xc2 && first <= 0xdf) return [ANY]
  if (first === 0xe0) return [[0xa0, 0xbf], ANY]
  if (first === 0xed) return [[0x80, 0x9f], ANY]
  if (first >= 0xe1 && first <= 0xef) return [ANY, ANY]
  if (first === 0xf0) return [[0x90, 0xbf], ANY, ANY]
  if (first >= 0xf1 && first <= 0xf3) return [ANY, ANY, ANY]
  return first === 0xf4 ? [[0x80, 0x8f], ANY, ANY] : undefined
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function visible(text: string): string {
  return text.replace(/[\x00-\x1f]/g, (char) => `<U+${hex(char.charCodeAt(0))}>`)
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0')
}

function controlText(code: number): string {
  const short = SHORT_ESCAPES[code]
  return `U+${hex(code)} (${CONTROL_NAMES[code]}) must be escaped to \\u${hex(code)}${short === undefined ? '' : ` or ${short}`}`
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r' }
const CONTROL_NAMES =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(
    ' ',
  )
