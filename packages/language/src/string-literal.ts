/** String, indented string and interpolated path literals, lexed in place by the parser. */
import * as t from './lexer.ts'
import { refuseNullByte } from './null-byte.ts'
import type { Parser } from './parser.ts'
import type { Expr } from './syntax.ts'

interface Part {
  readonly expr: Expr
  readonly at: number
}

/** At `"`. */
export function parseString(parser: Parser): Expr {
  const lexer = parser.lexer
  const source = lexer.source
  const parts: Part[] = []
  let interpolated = false
  let p = lexer.offset
  for (;;) {
    const from = p
    let special = false
    let c = source.charCodeAt(p)
    while (p < source.length && c !== 34 && !(c === 36 && source.charCodeAt(p + 1) === 123)) {
      if (c === 92) {
        special = true
        p += 2
      } else if (c === 36 && p + 1 < source.length && source.charCodeAt(p + 1) !== 34) {
        // `$$` swallows both, so that `$${` is no interpolation; `$\` keeps its escape.
        if (source.charCodeAt(p + 1) === 92) {
          special = true
          p += 3
        } else {
          if (source.charCodeAt(p + 1) === 13) special = true
          p += 2
        }
      } else {
        if (c === 13) special = true
        p++
      }
      c = source.charCodeAt(p)
    }
    if (p > from) lexer.lastMatch = from
    if (p >= source.length) {
      lexer.token = t.END
      parser.unexpected([34])
    }
    if (p > from) {
      const raw = source.slice(from, p)
      if (parser.features.newer) refuseNullByte(raw, { file: parser.file, offset: from })
      parts.push({ expr: { kind: 'string', text: special ? unescapeText(raw) : raw }, at: from })
    }
    if (c === 34) break
    interpolated = true
    p = parseInterpolation(parser, p, parts)
  }
  lexer.lastMatch = p
  lexer.offset = p + 1
  lexer.next()
  if (!interpolated) return parts.length === 0 ? { kind: 'string', text: '' } : parts[0]!.expr
  return { kind: 'concat', interpolated: true, parts, at: parts[0]!.at }
}

/** At `''`. */
export function parseIndentedString(parser: Parser): Expr {
  const lexer = parser.lexer
  const source = lexer.source
  const at = lexer.start
  const pieces: Piece[] = []
  let p = lexer.offset
  for (;;) {
    if (p >= source.length) {
      lexer.token = t.END
      parser.fail(
        'syntax error, unexpected end of file, expecting IND_STR or DOLLAR_CURLY or IND_STRING_CLOSE',
        lexer.lastMatch,
      )
    }
    const from = p
    lexer.lastMatch = from
    const end = plainEnd(source, p)
    if (end > p) {
      p = end
      if (parser.features.newer) refuseNullByte(source.slice(from, p), { file: parser.file, offset: from })
      pieces.push({ at: from, text: source.slice(from, p), expr: undefined, indented: true })
      continue
    }
    if (source.charCodeAt(p) === 36) {
      if (source.charCodeAt(p + 1) === 123) {
        const parts: Part[] = []
        p = parseInterpolation(parser, p, parts)
        pieces.push({ at: parts[0]!.at, text: '', expr: parts[0]!.expr, indented: false })
      } else {
        p++
        pieces.push({ at: from, text: '$', expr: undefined, indented: false })
      }
      continue
    }
    // A quote.
    if (source.charCodeAt(p + 1) !== 39) {
      p++
      pieces.push({ at: from, text: "'", expr: undefined, indented: false })
      continue
    }
    const third = source.charCodeAt(p + 2)
    if (third === 36) {
      p += 3
      pieces.push({ at: from, text: '$', expr: undefined, indented: false })
    } else if (third === 39) {
      p += 3
      pieces.push({ at: from, text: "''", expr: undefined, indented: false })
    } else if (third === 92 && p + 3 < source.length) {
      pieces.push({ at: from, text: unescapeText(source.slice(p + 2, p + 4)), expr: undefined, indented: false })
      p += 4
    } else break
  }
  lexer.offset = p + 2
  lexer.next()
  const expr = stripIndentation(pieces, at)
  return parser.features.newer ? withoutEmptyParts(expr) : expr
}

/** At a path token: the path and what is interpolated into it. */
export function parsePathParts(parser: Parser): Expr {
  const lexer = parser.lexer
  const source = lexer.source
  const at = lexer.start
  const first = lexer.text()
  lintPath(parser, first, at)
  const parts: Part[] = [{ expr: { kind: 'path', text: first }, at }]
  let p = lexer.offset
  let slash = first.endsWith('/')
  for (;;) {
    if (source.charCodeAt(p) === 36 && source.charCodeAt(p + 1) === 123) {
      p = parseInterpolation(parser, p, parts)
      slash = false
      continue
    }
    const length = t.pathPartLength(source, p)
    if (length === 0) break
    if (parts.length === 1) parser.fail('syntax error, unexpected PATH_END, expecting DOLLAR_CURLY', at)
    lexer.lastMatch = p
    parts.push({ expr: { kind: 'string', text: source.slice(p, p + length) }, at: p })
    p += length
    slash = source.charCodeAt(p - 1) === 47
  }
  if (slash) parser.fail('path has a trailing slash', p < source.length ? p : lexer.lastMatch)
  lexer.offset = p
  lexer.next()
  return parts.length === 1 ? parts[0]!.expr : { kind: 'concat', interpolated: false, parts, at }
}

function lintPath(parser: Parser, literal: string, at: number): void {
  if (/^[/~]/.test(literal)) {
    const kind = literal.startsWith('/') ? 'absolute' : 'home'
    const instead = `Consider replacing path literal '${literal}' by a string, relative path, or parameter`
    parser.lint('lint-absolute-path-literals', at, () => `${kind} path literals are not portable. ${instead}`)
  } else if (!literal.startsWith('.')) {
    const what = `relative path literal '${literal}' should be prefixed with '.' for clarity: './${literal}'`
    parser.lint('lint-short-path-literals', at, () => what)
  }
}

interface Piece {
  readonly at: number
  readonly text: string
  readonly expr: Expr | undefined
  /** Its leading spaces count as indentation: not an escape. */
  readonly indented: boolean
}

/** At `${`: adds the expression and returns the offset behind `}`. */
function parseInterpolation(parser: Parser, p: number, parts: Part[]): number {
  const lexer = parser.lexer
  lexer.lastMatch = p
  lexer.offset = p + 2
  lexer.next()
  const expr = parser.expression()
  if (lexer.token !== 125) parser.unexpected([125])
  // The next token belongs to the string again, so it is not asked for here.
  parts.push({ expr, at: p })
  return lexer.offset
}

/** End of the longest `([^$']|$[^{']|'[^'$])+` at `p`. */
function plainEnd(source: string, p: number): number {
  let q = p
  while (q < source.length) {
    const c = source.charCodeAt(q)
    if (c === 36) {
      const next = source.charCodeAt(q + 1)
      if (next === 123 || next === 39 || q + 1 >= source.length) return q
      q += 2
    } else if (c === 39) {
      const next = source.charCodeAt(q + 1)
      if (next === 39 || next === 36 || q + 1 >= source.length) return q
      q += 2
    } else q++
  }
  return q
}

/** Today empty texts between what is interpolated are left out; what is printed of the syntax shows it. */
function withoutEmptyParts(expr: Expr): Expr {
  if (expr.kind !== 'concat') return expr
  const parts = expr.parts.filter((part) => part.expr.kind !== 'string' || part.expr.text !== '')
  if (parts.length === 0) return { kind: 'string', text: '' }
  const [only] = parts
  return parts.length === 1 && only!.expr.kind === 'string' ? only!.expr : { ...expr, parts }
}

/** Takes away the indentation that all lines share. Only spaces count; blank lines do not. */
function stripIndentation(pieces: readonly Piece[], at: number): Expr {
  if (pieces.length === 0) return { kind: 'string', text: '' }
  let atLineStart = true
  let minimum = 1000000
  let current = 0
  for (const piece of pieces) {
    if (!piece.indented) {
      if (atLineStart) {
        atLineStart = false
        if (current < minimum) minimum = current
      }
      continue
    }
    const text = piece.text
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (atLineStart) {
        if (c === 32) current++
        else if (c === 10) current = 0
        else {
          atLineStart = false
          if (current < minimum) minimum = current
        }
      } else if (c === 10) {
        atLineStart = true
        current = 0
      }
    }
  }

  const parts: Part[] = []
  atLineStart = true
  let dropped = 0
  for (let n = 0; n < pieces.length; n++) {
    const piece = pieces[n]!
    if (piece.expr !== undefined) {
      atLineStart = false
      dropped = 0
      parts.push({ expr: piece.expr, at: piece.at })
      continue
    }
    const text = piece.text
    let result = ''
    // Copied in stretches: everything up to and with a line's end, without the indentation at its start.
    let from = 0
    for (let i = 0; i < text.length; ) {
      if (atLineStart) {
        while (i < text.length && text.charCodeAt(i) === 32 && dropped < minimum) {
          i++
          dropped++
        }
        from = i
        while (i < text.length && text.charCodeAt(i) === 32) {
          i++
          dropped++
        }
        if (i < text.length) {
          dropped = 0
          if (text.charCodeAt(i) !== 10) atLineStart = false
          i++
        }
      } else {
        from = i
        const newline = text.indexOf('\n', i)
        if (newline < 0) i = text.length
        else {
          i = newline + 1
          atLineStart = true
        }
      }
      result += text.slice(from, i)
    }
    if (n === pieces.length - 1) {
      const newline = result.lastIndexOf('\n')
      if (newline >= 0 && /^ *$/.test(result.slice(newline + 1))) result = result.slice(0, newline + 1)
    }
    parts.push({ expr: { kind: 'string', text: result }, at: piece.at })
  }
  if (parts.length === 1 && parts[0]!.expr.kind === 'string') return parts[0]!.expr
  return { kind: 'concat', interpolated: true, parts, at }
}

function unescapeText(raw: string): string {
  let result = ''
  let from = 0
  for (let i = 0; i < raw.length; i++) {
    const c = raw.charCodeAt(i)
    if (c === 92) {
      result += raw.slice(from, i)
      i++
      const e = raw.charCodeAt(i)
      if (e === 110) result += '\n'
      else if (e === 114) result += '\r'
      else if (e === 116) result += '\t'
      else result += raw.charAt(i)
      from = i + 1
    } else if (c === 13) {
      // CR and CR LF become LF.
      result += `${raw.slice(from, i)}\n`
      if (raw.charCodeAt(i + 1) === 10) i++
      from = i + 1
    }
  }
  return result + raw.slice(from)
}
