/**
 * Tokens on demand from a text of bytes (one char per byte). Strings and interpolated paths are lexed by the parser
 * calling the `…Part` functions, because only it knows that it is inside of one; so there is no stack of states.
 */
import { ParseError } from './errors.ts'
import type { SourceFile } from './value.ts'

export const END: number = 0
export const IDENTIFIER: number = 1
export const INTEGER: number = 2
export const FLOAT: number = 3
export const PATH: number = 4
export const HOME_PATH: number = 5
export const SEARCH_PATH: number = 6
export const URI: number = 7
export const IF: number = 8
export const THEN: number = 9
export const ELSE: number = 10
export const ASSERT: number = 11
export const WITH: number = 12
export const LET: number = 13
export const IN: number = 14
export const REC: number = 15
export const INHERIT: number = 16
export const OR_KEYWORD: number = 17
export const ELLIPSIS: number = 18
export const EQUAL: number = 19
export const NOT_EQUAL: number = 20
export const LESS_EQUAL: number = 21
export const GREATER_EQUAL: number = 22
export const AND: number = 23
export const OR: number = 24
export const IMPLIES: number = 25
export const UPDATE: number = 26
export const CONCAT: number = 27
export const INDENTED_STRING: number = 28
export const DOLLAR_CURLY: number = 29
export const PIPE_INTO: number = 30
/** A byte that starts no token. */
export const INVALID: number = 31
export const PIPE_FROM: number = 32
// Single characters are tokens with their own code (33 to 126).

export class Lexer {
  readonly file: SourceFile
  readonly source: string
  /** Where the next token is looked for. */
  offset = 0
  token: number = END
  start = 0
  /** Start of whatever was matched last, white space included: where Nix reports an unexpected end. */
  lastMatch = 0

  readonly #pipes: boolean

  /** With `pipes`, `|>` and `<|` are tokens. */
  constructor(file: SourceFile, source: string, pipes = false) {
    this.file = file
    this.source = source
    this.#pipes = pipes
  }

  /** Text of the current token. */
  text(): string {
    return this.source.slice(this.start, this.offset)
  }

  /** Moves to the next token. */
  next(): undefined {
    const source = this.source
    let p = this.offset
    let c = source.charCodeAt(p)
    // White space and comments.
    for (;;) {
      if (c === 32 || c === 10 || c === 9 || c === 13) {
        this.lastMatch = p
        do c = source.charCodeAt(++p)
        while (c === 32 || c === 10 || c === 9 || c === 13)
      } else if (c === 35) {
        this.lastMatch = p
        do c = source.charCodeAt(++p)
        while (c !== 10 && c !== 13 && p < source.length)
      } else if (c === 47 && source.charCodeAt(p + 1) === 42) {
        const close = source.indexOf('*/', p + 2)
        if (close < 0) break
        this.lastMatch = p
        p = close + 2
        c = source.charCodeAt(p)
      } else break
    }
    this.start = p
    if (p >= source.length) {
      this.token = END
      this.offset = p
      return
    }
    this.lastMatch = p
    const kind = c < 256 ? CLASS[c]! : 0
    if ((kind & IDENTIFIER_START) !== 0) return this.word(p)
    if (c >= 48 && c <= 57) return this.number(p)
    switch (c) {
      case 46: // .
        if (isDigit(source.charCodeAt(p + 1)) || (pathLength(source, p) || segmentLength(source, p)) > 0) {
          return this.number(p)
        }
        if (source.charCodeAt(p + 1) === 46 && source.charCodeAt(p + 2) === 46) return this.take(ELLIPSIS, 3)
        return this.take(c, 1)
      case 47: // /
      case 43: // +
      case 45: {
        // -
        const length = pathLength(source, p) || segmentLength(source, p)
        const second = source.charCodeAt(p + 1)
        if (c === 47 && second === 47) return this.take(UPDATE, 2)
        if (length > 0) return this.take(PATH, length)
        if (c === 43 && second === 43) return this.take(CONCAT, 2)
        if (c === 45 && second === 62) return this.take(IMPLIES, 2)
        return this.take(c, 1)
      }
      case 126: // ~
        if (source.charCodeAt(p + 1) === 47) {
          const length = pathLength(source, p + 1)
          if (length > 0) return this.take(HOME_PATH, length + 1)
          if (source.startsWith('${', p + 2)) return this.take(HOME_PATH, 2)
        }
        return this.take(INVALID, 1)
      case 60: {
        // <
        const length = searchPathLength(source, p)
        if (length > 0) return this.take(SEARCH_PATH, length)
        if (source.charCodeAt(p + 1) === 61) return this.take(LESS_EQUAL, 2)
        if (source.charCodeAt(p + 1) === 124) return this.pipe(PIPE_FROM)
        return this.take(c, 1)
      }
      case 62: // >
        return source.charCodeAt(p + 1) === 61 ? this.take(GREATER_EQUAL, 2) : this.take(c, 1)
      case 61: // =
        return source.charCodeAt(p + 1) === 61 ? this.take(EQUAL, 2) : this.take(c, 1)
      case 33: // !
        return source.charCodeAt(p + 1) === 61 ? this.take(NOT_EQUAL, 2) : this.take(c, 1)
      case 38: // &
        return source.charCodeAt(p + 1) === 38 ? this.take(AND, 2) : this.take(INVALID, 1)
      case 124: // |
        if (source.charCodeAt(p + 1) === 62) return this.pipe(PIPE_INTO)
        return source.charCodeAt(p + 1) === 124 ? this.take(OR, 2) : this.take(INVALID, 1)
      case 36: // $
        return source.charCodeAt(p + 1) === 123 ? this.take(DOLLAR_CURLY, 2) : this.take(INVALID, 1)
      case 39: {
        // '
        if (source.charCodeAt(p + 1) !== 39) return this.take(INVALID, 1)
        let q = p + 2
        while (source.charCodeAt(q) === 32) q++
        return this.take(INDENTED_STRING, source.charCodeAt(q) === 10 ? q + 1 - p : 2)
      }
      case 34: // "
      case 40: // (
      case 41: // )
      case 42: // *
      case 44: // ,
      case 58: // :
      case 59: // ;
      case 63: // ?
      case 64: // @
      case 91: // [
      case 93: // ]
      case 123: // {
      case 125: // }
        return this.take(c, 1)
      default:
        return this.take(INVALID, 1)
    }
  }

  private take(token: number, length: number): undefined {
    this.token = token
    this.offset = this.start + length
  }

  private word(p: number): undefined {
    const source = this.source
    let q = p + 1
    let c = source.charCodeAt(q)
    while (c < 256 && (CLASS[c]! & IDENTIFIER_PART) !== 0) c = source.charCodeAt(++q)
    // Only after one of these can a path or a URI be longer than the identifier.
    if (c === 47 || c === 46 || c === 43 || c === 58) {
      const uri = uriLength(source, p)
      const path = pathLength(source, p) || segmentLength(source, p)
      if (path > q - p && path >= uri) return this.take(PATH, path)
      if (uri > q - p) return this.take(URI, uri)
    }
    this.offset = q
    this.token = IDENTIFIER
    const length = q - p
    if (length <= 7) {
      const keyword = KEYWORDS.get(source.slice(p, q))
      if (keyword !== undefined) this.token = keyword
    }
  }

  private number(p: number): undefined {
    const source = this.source
    const path = pathLength(source, p) || segmentLength(source, p)
    let q = p
    while (isDigit(source.charCodeAt(q))) q++
    let token = INTEGER
    if (source.charCodeAt(q) === 46) {
      // `1.`, `1.5`, `.5`, `0.5`; but `0.` and `00.5` are no floats.
      const whole = q > p && source.charCodeAt(p) !== 48
      const leading = q === p || (q === p + 1 && source.charCodeAt(p) === 48)
      if (whole || (leading && isDigit(source.charCodeAt(q + 1)))) {
        token = FLOAT
        q++
        while (isDigit(source.charCodeAt(q))) q++
        let e = q
        const c = source.charCodeAt(e)
        if (c === 69 || c === 101) {
          e++
          const sign = source.charCodeAt(e)
          if (sign === 43 || sign === 45) e++
          if (isDigit(source.charCodeAt(e))) {
            while (isDigit(source.charCodeAt(e))) e++
            q = e
          }
        }
      }
    }
    if (path > q - p) this.take(PATH, path)
    else this.take(token, q - p)
  }

  private pipe(token: number): undefined {
    if (this.#pipes) return this.take(token, 2)
    throw new ParseError(PIPES_OFF, { file: this.file, offset: this.start })
  }
}

/**
 * The next stretch of text of a path literal after its first token, or 0: `{PATH}|{PATH_SEG}|{PATH_CHAR}+`,
 * whichever is longest.
 */
export function pathPartLength(source: string, p: number): number {
  let q = p
  while (isPathChar(source.charCodeAt(q))) q++
  const segment = source.charCodeAt(q) === 47 ? q + 1 - p : q - p
  return Math.max(segment, pathLength(source, p))
}

/** Name of a token in messages of today's Nix. */
export function tokenNameToday(token: number): string {
  return token > 32 || token === PIPE_FROM ? tokenName(token) : (TOKEN_NAMES_TODAY[token] ?? 'invalid token')
}

/** Name of a token in messages: as bison prints it. */
export function tokenName(token: number): string {
  if (token === PIPE_FROM) return "'<|'"
  return token > 32 ? `'${String.fromCharCode(token)}'` : (TOKEN_NAMES[token] ?? 'invalid token')
}

const TOKEN_NAMES = (
  'end of file,ID,INT,FLOAT,PATH,HPATH,SPATH,URI,IF,THEN,ELSE,ASSERT,WITH,LET,IN,REC,INHERIT,OR_KW,ELLIPSIS,' +
  "EQ,NEQ,LEQ,GEQ,AND,OR,IMPL,UPDATE,CONCAT,IND_STRING_OPEN,DOLLAR_CURLY,'|>'"
).split(',')

const TOKEN_NAMES_TODAY = (
  "end of file,identifier,integer,floating-point literal,path,'~/\xe2\x80\xa6' path,'<\xe2\x80\xa6>' path,URI,'if','then'," +
  "'else','assert','with','let','in','rec','inherit','or','...','==','!=','<=','>=','&&','||','->','//','++'," +
  "start of an indented string,'${','|>'"
).split(',')

const PIPES_OFF =
  "experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it"

const KEYWORDS = new Map<string, number>([
  ['if', IF],
  ['then', THEN],
  ['else', ELSE],
  ['assert', ASSERT],
  ['with', WITH],
  ['let', LET],
  ['in', IN],
  ['rec', REC],
  ['inherit', INHERIT],
  ['or', OR_KEYWORD],
])

const IDENTIFIER_START = 1
const IDENTIFIER_PART = 2
const PATH_CHAR = 4
const URI_CHAR = 8
const SCHEME_CHAR = 16

const CLASS = new Uint8Array(256)
for (let c = 0; c < 128; c++) {
  const char = String.fromCharCode(c)
  if (/[a-zA-Z_]/.test(char)) CLASS[c]! |= IDENTIFIER_START
  if (/[a-zA-Z0-9_'-]/.test(char)) CLASS[c]! |= IDENTIFIER_PART
  if (/[a-zA-Z0-9._+-]/.test(char)) CLASS[c]! |= PATH_CHAR
  if (/[a-zA-Z0-9%/?:@&=+$,\-_.!~*']/.test(char)) CLASS[c]! |= URI_CHAR
  if (/[a-zA-Z0-9+\-.]/.test(char)) CLASS[c]! |= SCHEME_CHAR
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57
}

function isPathChar(c: number): boolean {
  return c < 256 && (CLASS[c]! & PATH_CHAR) !== 0
}

/** Length of `a/b`, `./b/`, `/b` at `p`, or 0. */
function pathLength(source: string, p: number): number {
  let q = p
  while (isPathChar(source.charCodeAt(q))) q++
  if (source.charCodeAt(q) !== 47 || !isPathChar(source.charCodeAt(q + 1))) return 0
  while (source.charCodeAt(q) === 47 && isPathChar(source.charCodeAt(q + 1))) {
    q++
    while (isPathChar(source.charCodeAt(q))) q++
  }
  if (source.charCodeAt(q) === 47) q++
  return q - p
}

/** Length of `a/` at `p` when `${` follows, or 0. */
function segmentLength(source: string, p: number): number {
  let q = p
  while (isPathChar(source.charCodeAt(q))) q++
  return source.charCodeAt(q) === 47 && source.charCodeAt(q + 1) === 36 && source.charCodeAt(q + 2) === 123
    ? q + 1 - p
    : 0
}

function searchPathLength(source: string, p: number): number {
  let q = p + 1
  for (;;) {
    const from = q
    while (isPathChar(source.charCodeAt(q))) q++
    if (q === from) return 0
    const c = source.charCodeAt(q)
    if (c === 62) return q + 1 - p
    if (c !== 47) return 0
    q++
  }
}

function uriLength(source: string, p: number): number {
  let q = p
  let c = source.charCodeAt(q)
  if (c === 95) return 0
  while (c < 256 && (CLASS[c]! & SCHEME_CHAR) !== 0) c = source.charCodeAt(++q)
  if (c !== 58) return 0
  const from = ++q
  c = source.charCodeAt(q)
  while (c < 256 && (CLASS[c]! & URI_CHAR) !== 0) c = source.charCodeAt(++q)
  return q === from ? 0 : q - p
}
