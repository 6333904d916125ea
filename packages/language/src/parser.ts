/** Parser of the Nix language, of 2.8 or today: recursive descent with precedence climbing for the operators. */
import { addBinding, addInherited, newAttrs } from './bindings.ts'
import { ParseError } from './errors.ts'
import * as t from './lexer.ts'
import { parseIndentedString, parsePathParts, parseString } from './string-literal.ts'
import type { AttrName, AttrsExpr, BinaryOperator, Expr, Formal, LambdaExpr } from './syntax.ts'
import { type LintName, SYNTAX_OF_2_8, type SyntaxFeatures } from './syntax-features.ts'
import type { SourceFile } from './value.ts'

/** The syntax tree of a whole text. Throws `ParseError`. */
export function parseSyntax(file: SourceFile, source: string, features: SyntaxFeatures = SYNTAX_OF_2_8): Expr {
  const parser = new Parser(file, source, features)
  parser.lexer.next()
  const expr = parser.expression()
  parser.expect(t.END)
  return expr
}

export class Parser {
  readonly lexer: t.Lexer
  readonly file: SourceFile
  readonly features: SyntaxFeatures

  constructor(file: SourceFile, source: string, features: SyntaxFeatures) {
    this.file = file
    this.features = features
    this.lexer = new t.Lexer(file, source, features.pipes)
  }

  expression(): Expr {
    const lexer = this.lexer
    const at = lexer.start
    switch (lexer.token) {
      case t.IDENTIFIER: {
        const next = this.peekByte()
        if (next === COLON) {
          const argument = lexer.text()
          lexer.next()
          lexer.next()
          return this.lambda(argument, undefined, at)
        }
        if (next === AT) {
          const argument = lexer.text()
          lexer.next()
          lexer.next()
          const open = lexer.start
          this.expect(OPEN_CURLY)
          const formals = this.formals()
          this.expect(COLON)
          return this.lambda(argument, this.checked(formals, argument, at, open), at)
        }
        break
      }
      case OPEN_CURLY:
        if (this.isFormals()) {
          lexer.next()
          const formals = this.formals()
          let argument = ''
          if (lexer.token === AT) {
            lexer.next()
            argument = this.identifier()
          }
          if (argument === '' && lexer.token !== COLON) this.unexpected([COLON, AT])
          this.expect(COLON)
          return this.lambda(argument, this.checked(formals, argument, at, at), at)
        }
        break
      case t.ASSERT: {
        lexer.next()
        const condition = this.expression()
        this.expect(SEMICOLON)
        return { kind: 'assert', condition, body: this.expression(), at }
      }
      case t.WITH: {
        lexer.next()
        const scope = this.expression()
        this.expect(SEMICOLON)
        return { kind: 'with', scope, body: this.expression(), at }
      }
      case t.LET:
        if (this.peekByte() !== OPEN_CURLY) {
          const bindings = this.bindings(newAttrs(true, at), t.IN)
          if (bindings.dynamic.length > 0) this.fail('dynamic attributes not allowed in let', at)
          this.expect(t.IN)
          return { kind: 'let', bindings, body: this.expression(), at }
        }
        break
      case t.IF: {
        lexer.next()
        const condition = this.expression()
        this.expect(t.THEN)
        const consequent = this.expression()
        this.expect(t.ELSE)
        return { kind: 'if', condition, consequent, alternative: this.expression(), at }
      }
    }
    const operand = this.operators(0)
    return lexer.token === t.PIPE_INTO || lexer.token === t.PIPE_FROM ? this.pipes(operand) : operand
  }

  /** `a |> b |> c` is `c (b a)`, `a <| b <| c` is `a (b c)`; one kind at a time. */
  private pipes(first: Expr): Expr {
    const lexer = this.lexer
    let left = first
    while (lexer.token === t.PIPE_INTO) {
      const at = lexer.start
      lexer.next()
      left = applied(this.operators(0), left, at)
      if (lexer.token === t.PIPE_FROM) this.unexpected()
    }
    if (lexer.token !== t.PIPE_FROM) return left
    const at = lexer.start
    lexer.next()
    const right = this.operators(0)
    if (lexer.token === t.PIPE_INTO) this.unexpected()
    return applied(left, this.pipes(right), at)
  }

  private lambda(argument: string, formals: LambdaExpr['formals'], at: number): Expr {
    return { kind: 'lambda', argument, formals, body: this.expression(), at, name: '' }
  }

  /** Binary operators that bind at least as tightly as `minimum`. */
  private operators(minimum: number): Expr {
    const lexer = this.lexer
    const start = lexer.start
    let left = this.unary()
    for (;;) {
      const token = lexer.token
      const precedence = token < 64 ? PRECEDENCE[token]! : 0
      if (precedence === 0 || precedence < minimum) return left
      // Nix 2.8 places an operation where its left operand starts.
      const at = this.features.newer ? lexer.start : start
      lexer.next()
      if (token === QUESTION) {
        left = { kind: 'hasAttr', subject: left, path: this.attrPath(), at: start }
        continue
      }
      const rightAssociative =
        precedence === CONCAT_LEVEL || precedence === UPDATE_LEVEL || precedence === IMPLIES_LEVEL
      const rightAt = lexer.start
      const right = this.operators(rightAssociative ? precedence : precedence + 1)
      left = this.binary(token, left, right, { at, start, rightAt })
      if (precedence === EQUAL_LEVEL || precedence === ORDER_LEVEL) this.notAgain(precedence)
    }
  }

  /** Comparisons do not associate: `a == b == c` is an error. */
  private notAgain(precedence: number): void {
    const token = this.lexer.token
    if (token < 64 && PRECEDENCE[token] === precedence) this.unexpected()
  }

  private unary(): Expr {
    const lexer = this.lexer
    const at = lexer.start
    if (lexer.token === BANG) {
      lexer.next()
      return { kind: 'not', operand: this.operators(NOT_LEVEL), at }
    }
    if (lexer.token === MINUS) {
      lexer.next()
      const operand = this.operators(NEGATE_LEVEL)
      return call('__sub', [{ kind: 'int', value: 0 }, operand], at)
    }
    return this.application()
  }

  private binary(
    token: number,
    left: Expr,
    right: Expr,
    { at, start, rightAt }: { readonly at: number; readonly start: number; readonly rightAt: number },
  ): Expr {
    switch (token) {
      case PLUS: {
        const parts = [
          { expr: left, at: start },
          { expr: right, at: rightAt },
        ]
        return { kind: 'concat', interpolated: false, parts, at }
      }
      case MINUS:
        return call('__sub', [left, right], at)
      case STAR:
        return call('__mul', [left, right], at)
      case SLASH:
        return call('__div', [left, right], at)
      case LESS:
        return call('__lessThan', [left, right], at)
      case GREATER:
        return call('__lessThan', [right, left], at)
      case t.LESS_EQUAL:
        return { kind: 'not', operand: call('__lessThan', [right, left], at), at }
      case t.GREATER_EQUAL:
        return { kind: 'not', operand: call('__lessThan', [left, right], at), at }
    }
    return { kind: 'binary', operator: OPERATORS.get(token)!, left, right, at }
  }

  private application(): Expr {
    const lexer = this.lexer
    const at = lexer.start
    const fn = this.selection()
    if (!startsSimple(lexer.token)) return fn
    const args: Expr[] = []
    do args.push(this.selection())
    while (startsSimple(lexer.token))
    // As Nix makes one of them, it is where the first begins, in its brackets.
    return fn.kind === 'call' ? { ...fn, args: [...fn.args, ...args] } : { kind: 'call', fn, args, at }
  }

  private selection(): Expr {
    const lexer = this.lexer
    const at = lexer.start
    const subject = this.simple()
    if (lexer.token === DOT) {
      lexer.next()
      const path = this.attrPath()
      if (lexer.token !== t.OR_KEYWORD) return { kind: 'select', subject, path, fallback: undefined, at }
      lexer.next()
      return { kind: 'select', subject, path, fallback: this.selection(), at }
    }
    if (lexer.token === t.OR_KEYWORD) {
      // `map or xs`: `or` was a plain identifier once.
      lexer.next()
      return { kind: 'call', fn: subject, args: [{ kind: 'variable', name: 'or', at }], at }
    }
    return subject
  }

  private simple(): Expr {
    const lexer = this.lexer
    const at = lexer.start
    switch (lexer.token) {
      case t.IDENTIFIER: {
        const name = lexer.text()
        lexer.next()
        return name === '__curPos' ? { kind: 'position', at } : { kind: 'variable', name, at }
      }
      case t.INTEGER: {
        const value = this.integer(lexer.text(), at)
        lexer.next()
        return { kind: 'int', value }
      }
      case t.FLOAT: {
        const text = lexer.text()
        const value = Number(text)
        if (isOutOfRange(value, text)) this.fail(`invalid float '${text}'`, at)
        lexer.next()
        return { kind: 'float', value }
      }
      case QUOTE:
        return parseString(this)
      case t.INDENTED_STRING:
        return parseIndentedString(this)
      case t.PATH:
      case t.HOME_PATH:
        return parsePathParts(this)
      case t.SEARCH_PATH: {
        const text = lexer.text().slice(1, -1)
        lexer.next()
        return call(
          '__findFile',
          [
            { kind: 'variable', name: '__nixPath', at },
            { kind: 'string', text },
          ],
          at,
        )
      }
      case t.URI: {
        const text = lexer.text()
        this.lint('lint-url-literals', at, (isFatal) => {
          const verdict = isFatal ? 'disallowed' : 'discouraged'
          return `URL literals are ${verdict}. Consider using a string literal "${text}" instead`
        })
        lexer.next()
        return { kind: 'string', text }
      }
      case OPEN_PAREN: {
        lexer.next()
        const expr = this.expression()
        this.expect(CLOSE_PAREN)
        return expr
      }
      case t.LET: {
        lexer.next()
        const subject = this.set(true, at)
        // Nix gives this select no position.
        return { kind: 'select', subject, path: ['body'], fallback: undefined, at: -1 }
      }
      case t.REC:
        lexer.next()
        return this.set(true, at)
      case OPEN_CURLY:
        return this.set(false, at)
      case OPEN_BRACKET: {
        lexer.next()
        const items: Expr[] = []
        while (startsSimple(lexer.token)) items.push(this.selection())
        if (lexer.token !== CLOSE_BRACKET) this.unexpected()
        lexer.next()
        return { kind: 'list', items, at }
      }
    }
    return this.unexpected()
  }

  private integer(text: string, at: number): number | bigint {
    if (text.length < 16) return Number(text)
    const value = BigInt(text)
    if (value > 9223372036854775807n) this.fail(`invalid integer '${text}'`, at)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  private set(recursive: boolean, at: number): AttrsExpr {
    if (this.lexer.token !== OPEN_CURLY) this.unexpected([OPEN_CURLY])
    const attrs = this.bindings(newAttrs(recursive, at), CLOSE_CURLY)
    this.expect(CLOSE_CURLY)
    return attrs
  }

  /** From the opening token up to the closing one, which is left to the caller. */
  private bindings(attrs: AttrsExpr, close: number): AttrsExpr {
    const lexer = this.lexer
    // Nix places what is inherited right behind the token that opens the bindings.
    const opened = lexer.offset
    lexer.next()
    while (lexer.token !== close) {
      const at = lexer.start
      if (lexer.token === t.INHERIT) {
        this.inherit(attrs, opened)
        continue
      }
      if (!startsAttr(lexer.token)) this.unexpected([], expectedOfBindings(attrs, close))
      const path = this.attrPath()
      if (lexer.token !== EQUAL_SIGN) this.unexpected([DOT, EQUAL_SIGN])
      lexer.next()
      const value = this.expression()
      this.expect(SEMICOLON)
      addBinding(this, attrs, path, value, at)
    }
    return attrs
  }

  private inherit(attrs: AttrsExpr, opened: number): void {
    const lexer = this.lexer
    let before = lexer.offset
    lexer.next()
    let from: Expr | undefined
    if (lexer.token === OPEN_PAREN) {
      lexer.next()
      from = this.expression()
      before = lexer.offset
      this.expect(CLOSE_PAREN)
    }
    while (startsAttr(lexer.token)) {
      const at = lexer.start
      const name = this.attrName()
      if (typeof name === 'string') {
        if (this.features.newer) addInherited(this.file, attrs, name, from, at, at)
        else addInherited(this.file, attrs, name, from, opened, before)
      } else this.fail('dynamic attributes not allowed in inherit', at)
    }
    // More than what bison lists.
    if (lexer.token !== SEMICOLON) this.unexpected()
    lexer.next()
  }

  private attrPath(): AttrName[] {
    const path = [this.attrName()]
    while (this.lexer.token === DOT) {
      this.lexer.next()
      path.push(this.attrName())
    }
    return path
  }

  private attrName(): AttrName {
    const lexer = this.lexer
    switch (lexer.token) {
      case t.IDENTIFIER: {
        const name = lexer.text()
        lexer.next()
        return name
      }
      case t.OR_KEYWORD:
        lexer.next()
        return 'or'
      case QUOTE: {
        const name = parseString(this)
        return name.kind === 'string' ? name.text : name
      }
      case t.DOLLAR_CURLY: {
        lexer.next()
        const name = this.expression()
        this.expect(CLOSE_CURLY)
        return name.kind === 'string' ? name.text : name
      }
    }
    return this.unexpected([t.IDENTIFIER, t.OR_KEYWORD, t.DOLLAR_CURLY, QUOTE])
  }

  /** After `{`: the formals up to and with `}`. */
  private formals(): { list: Formal[]; open: boolean } {
    const lexer = this.lexer
    const list: Formal[] = []
    const close = (expectedToday: readonly number[]): void => {
      if (lexer.token !== CLOSE_CURLY) this.unexpected([CLOSE_CURLY], expectedToday)
      lexer.next()
    }
    for (;;) {
      if (lexer.token === t.ELLIPSIS) {
        lexer.next()
        close([CLOSE_CURLY])
        return { list, open: true }
      }
      if (lexer.token !== t.IDENTIFIER) {
        close([t.IDENTIFIER, t.ELLIPSIS, CLOSE_CURLY])
        return { list, open: false }
      }
      const at = lexer.start
      const name = lexer.text()
      lexer.next()
      let fallback: Expr | undefined
      if (lexer.token === QUESTION) {
        lexer.next()
        fallback = this.expression()
      }
      list.push({ name, fallback, at })
      if (lexer.token !== COMMA) {
        close([CLOSE_CURLY, COMMA])
        return { list, open: false }
      }
      lexer.next()
    }
  }

  private checked(formals: { list: Formal[]; open: boolean }, argument: string, at: number, open: number) {
    const seen = new Set<string>()
    for (const formal of formals.list) {
      if (seen.has(formal.name)) this.fail(`duplicate formal function argument '${formal.name}'`, formal.at)
      seen.add(formal.name)
    }
    if (seen.has(argument)) this.fail(`duplicate formal function argument '${argument}'`, Math.min(at, open))
    return formals
  }

  /** At `{`: is it a function's argument or a set? */
  private isFormals(): boolean {
    const lexer = this.lexer
    const { offset, start, token, lastMatch } = lexer
    lexer.next()
    let result = lexer.token === t.ELLIPSIS
    if (lexer.token === t.IDENTIFIER) {
      lexer.next()
      result = lexer.token === COMMA || lexer.token === QUESTION || lexer.token === CLOSE_CURLY
    } else if (lexer.token === CLOSE_CURLY) {
      lexer.next()
      result = lexer.token === COLON || lexer.token === AT
    }
    lexer.offset = offset
    lexer.start = start
    lexer.token = token
    lexer.lastMatch = lastMatch
    return result
  }

  /** The byte that starts the token after the current one. */
  private peekByte(): number {
    const lexer = this.lexer
    const source = lexer.source
    const c = source.charCodeAt(lexer.offset)
    if (c !== 32 && c !== 10 && c !== 9 && c !== 13 && c !== 35 && c !== 47) return c
    const { offset, start, token, lastMatch } = lexer
    lexer.next()
    const next = source.charCodeAt(lexer.start)
    lexer.offset = offset
    lexer.start = start
    lexer.token = token
    lexer.lastMatch = lastMatch
    return next
  }

  private identifier(): string {
    if (this.lexer.token !== t.IDENTIFIER) this.unexpected([t.IDENTIFIER])
    const name = this.lexer.text()
    this.lexer.next()
    return name
  }

  /** Consumes a token or fails. */
  expect(token: number): void {
    if (this.lexer.token !== token) this.unexpected([token])
    if (token !== t.END) this.lexer.next()
  }

  /** What is listed as expected is what bison lists of the grammars: not all that could stand there, and nothing when it is more than four. */
  unexpected(expected: readonly number[] = [], expectedToday = expected): never {
    const lexer = this.lexer
    const at = lexer.token === t.END ? lexer.lastMatch : lexer.start
    const { token } = lexer
    const message = (name: (token: number) => string, tokens: readonly number[]): string =>
      `syntax error, unexpected ${name(token)}` +
      (tokens.length === 0 ? '' : `, expecting ${tokens.map(name).join(' or ')}`)
    throw new ParseError(message(t.tokenName, expected), { file: this.file, offset: at }).inToday(() =>
      message(t.tokenNameToday, expectedToday),
    )
  }

  /** Something that a setting may have warned of or refused. */
  lint(name: LintName, at: number, message: (isFatal: boolean) => string): void {
    const level = this.features.lints[name] ?? 'ignore'
    if (level === 'ignore') return
    const error = new ParseError(`${message(level === 'fatal')} (${name})`, { file: this.file, offset: at })
    if (level === 'fatal') throw error
    this.features.warn?.(error)
  }

  fail(message: string, at: number): never {
    throw new ParseError(message, { file: this.file, offset: at })
  }
}

const BANG: number = 33
const QUOTE: number = 34
const OPEN_PAREN: number = 40
const CLOSE_PAREN: number = 41
const STAR: number = 42
const PLUS: number = 43
const COMMA: number = 44
const MINUS: number = 45
const DOT: number = 46
const SLASH: number = 47
const COLON: number = 58
const SEMICOLON: number = 59
const LESS: number = 60
const EQUAL_SIGN: number = 61
const GREATER: number = 62
const QUESTION: number = 63
const AT: number = 64
const OPEN_BRACKET: number = 91
const CLOSE_BRACKET: number = 93
const OPEN_CURLY: number = 123
const CLOSE_CURLY: number = 125

const IMPLIES_LEVEL: number = 1
const EQUAL_LEVEL: number = 4
const ORDER_LEVEL: number = 5
const UPDATE_LEVEL: number = 6
const NOT_LEVEL: number = 7
const CONCAT_LEVEL: number = 10
const NEGATE_LEVEL: number = 12

const PRECEDENCE = new Uint8Array(64)
PRECEDENCE[t.IMPLIES] = IMPLIES_LEVEL
PRECEDENCE[t.OR] = 2
PRECEDENCE[t.AND] = 3
PRECEDENCE[t.EQUAL] = EQUAL_LEVEL
PRECEDENCE[t.NOT_EQUAL] = EQUAL_LEVEL
PRECEDENCE[LESS] = ORDER_LEVEL
PRECEDENCE[GREATER] = ORDER_LEVEL
PRECEDENCE[t.LESS_EQUAL] = ORDER_LEVEL
PRECEDENCE[t.GREATER_EQUAL] = ORDER_LEVEL
PRECEDENCE[t.UPDATE] = UPDATE_LEVEL
PRECEDENCE[PLUS] = 8
PRECEDENCE[MINUS] = 8
PRECEDENCE[STAR] = 9
PRECEDENCE[SLASH] = 9
PRECEDENCE[t.CONCAT] = CONCAT_LEVEL
PRECEDENCE[QUESTION] = 11

const OPERATORS = new Map<number, BinaryOperator>([
  [t.EQUAL, '=='],
  [t.NOT_EQUAL, '!='],
  [t.AND, '&&'],
  [t.OR, '||'],
  [t.IMPLIES, '->'],
  [t.UPDATE, '//'],
  [t.CONCAT, '++'],
])

const SIMPLE_START = new Uint8Array(128)
for (const token of [
  t.IDENTIFIER,
  t.INTEGER,
  t.FLOAT,
  QUOTE,
  t.INDENTED_STRING,
  t.PATH,
  t.HOME_PATH,
  t.SEARCH_PATH,
  t.URI,
  OPEN_PAREN,
  t.LET,
  t.REC,
  OPEN_CURLY,
  OPEN_BRACKET,
]) {
  SIMPLE_START[token] = 1
}

function startsSimple(token: number): boolean {
  return SIMPLE_START[token] === 1
}

/** Of calls in a row Nix makes one. */
function applied(fn: Expr, argument: Expr, at: number): Expr {
  if (fn.kind === 'call') return { ...fn, args: [...fn.args, argument] }
  return { kind: 'call', fn, args: [argument], at }
}

function startsAttr(token: number): boolean {
  return token === t.IDENTIFIER || token === QUOTE || token === t.OR_KEYWORD || token === t.DOLLAR_CURLY
}

/** Where no binding begins. Bison has taken all before it for bindings that only `inherit` goes on with. */
function expectedOfBindings(attrs: AttrsExpr, close: number): readonly number[] {
  if (close === t.IN) return [t.IN, t.INHERIT]
  return attrs.recursive ? [t.INHERIT, close] : [t.INHERIT]
}

function call(name: string, args: Expr[], at: number): Expr {
  return { kind: 'call', fn: { kind: 'variable', name, at }, args, at }
}

/** What `strtod` calls out of range: too large, or so near to zero that the number has lost some of its bits. */
function isOutOfRange(value: number, text: string): boolean {
  return value === 0 ? /^[.0]*[1-9]/.test(text) : !(value >= 2 ** -1022 && value < Number.POSITIVE_INFINITY)
}
