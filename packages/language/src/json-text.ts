import { EMPTY_ATTRS } from './attrs.ts'
import { ValueError } from './errors.ts'
import { diagnoseJson } from './json-diagnosis.ts'
import { ObjectNames, ShapeTable } from './json-shape.ts'
import { refuseNullByte } from './null-byte.ts'
import { Float, type Slot, type Value } from './value.ts'

/**
 * `builtins.fromJSON`: a JSON text (bytes, UTF-8 in strings is checked) as a value. Of equal keys the last wins.
 * Numbers without fraction and exponent are 64-bit integers, larger ones floats. In 2.8 integers above 2^63 wrap around
 * and strings end at a NUL, today (`newer`) both are errors. Errors have nlohmann's words.
 */
export function parseJson(text: string, newer: boolean): Value {
  const cursor: Cursor = { text, at: 0, newer }
  const value = parseDocument(cursor)
  if (value === undefined) throw new ValueError(diagnoseJson(text))
  return value
}

interface Cursor {
  readonly text: string
  at: number
  readonly newer: boolean
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
/** With so many digits a number is exact. */
const EXACT_DIGITS = 15
const UTF8 =
  /(?:[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+/y
const HEX4 = /[0-9a-fA-F]{4}/y
const MIN_INTEGER = -(1n << 63n)
const MAX_INTEGER = (1n << 63n) - 1n
const MAX_UNSIGNED = (1n << 64n) - 1n

/** Undefined for every text that is not JSON; nesting costs no stack. */
function parseDocument(cursor: Cursor): Value | undefined {
  const { text } = cursor
  // The items of all that is open lie on one stack: what is closed takes as many as it has, and no more memory.
  const items: Slot[] = []
  let count = 0
  const frames: Frame[] = []
  let depth = 0
  const shapes = new ShapeTable()
  if (text.startsWith('\xef\xbb\xbf')) cursor.at = 3
  skipSpace(cursor)
  for (;;) {
    // A value starts here.
    let value: Value | undefined
    const char = text.charCodeAt(cursor.at)
    if (char === 0x5b || char === 0x7b) {
      cursor.at++
      skipSpace(cursor)
      const isList = char === 0x5b
      if (text.charCodeAt(cursor.at) !== (isList ? 0x5d : 0x7d)) {
        const frame = (frames[depth] ??= new Frame(shapes))
        depth++
        frame.open(isList, count)
        if (!isList && !parseKey(cursor, frame.names)) return undefined
        continue
      }
      cursor.at++
      value = isList ? [] : EMPTY_ATTRS
    } else {
      value = parseScalar(cursor, char)
      if (value === undefined) return undefined
    }
    // A value ends here: close what it ends.
    for (;;) {
      skipSpace(cursor)
      if (depth === 0) return cursor.at === text.length ? value : undefined
      const { isList, start, names } = frames[depth - 1]!
      items[count++] = value
      const next = text.charCodeAt(cursor.at++)
      if (next === 0x2c) {
        skipSpace(cursor)
        if (!isList && !parseKey(cursor, names)) return undefined
        break
      }
      if (next !== (isList ? 0x5d : 0x7d)) return undefined
      value = isList ? items.slice(start, count) : names.finish(items, start, count)
      count = start
      depth--
    }
  }
}

/** A list or set that is open, one object for each level and not for each of them. */
class Frame {
  readonly names: ObjectNames
  isList = false
  /** Where its items start. */
  start = 0

  constructor(shapes: ShapeTable) {
    this.names = new ObjectNames(shapes)
  }

  open(isList: boolean, start: number): void {
    this.isList = isList
    this.start = start
    this.names.clear()
  }
}

function parseKey(cursor: Cursor, names: ObjectNames): boolean {
  if (cursor.text.charCodeAt(cursor.at) !== 0x22) return false
  const after = names.takeExpected(cursor.text, cursor.at)
  if (after >= 0) cursor.at = after
  else {
    const key = parseString(cursor)
    if (key === undefined) return false
    names.add(key)
  }
  skipSpace(cursor)
  if (cursor.text.charCodeAt(cursor.at) !== 0x3a) return false
  cursor.at++
  skipSpace(cursor)
  return true
}

function parseScalar(cursor: Cursor, char: number): Value | undefined {
  switch (char) {
    case 0x22:
      return parseString(cursor)
    case 0x74:
      return literal(cursor, 'true', true)
    case 0x66:
      return literal(cursor, 'false', false)
    case 0x6e:
      return literal(cursor, 'null', null)
  }
  return parseShortNumber(cursor) ?? parseNumber(cursor)
}

/** Undefined for what has more digits than are exact, or an exponent, or is no number. */
function parseShortNumber(cursor: Cursor): number | Float | undefined {
  const { text } = cursor
  const isNegative = text.charCodeAt(cursor.at) === 0x2d
  const start = isNegative ? cursor.at + 1 : cursor.at
  let at = start
  let number = 0
  let code = text.charCodeAt(at)
  while (code >= 0x30 && code <= 0x39) {
    number = 10 * number + code - 0x30
    code = text.charCodeAt(++at)
  }
  const count = at - start
  if (count === 0 || count > EXACT_DIGITS || (count > 1 && text.charCodeAt(start) === 0x30)) return undefined
  if (code === 0x2e) {
    const fractionStart = ++at
    for (code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at)) {
      number = 10 * number + code - 0x30
    }
    const fractionCount = at - fractionStart
    if (fractionCount === 0 || count + fractionCount > EXACT_DIGITS || code === 0x65 || code === 0x45) return undefined
    cursor.at = at
    // Of two exact numbers the quotient is the nearest that there is.
    const value = number / 10 ** fractionCount
    return new Float(isNegative ? -value : value)
  }
  if (code === 0x65 || code === 0x45) return undefined
  cursor.at = at
  return isNegative && number !== 0 ? -number : number
}

function parseNumber(cursor: Cursor): Value | undefined {
  const { text } = cursor
  NUMBER.lastIndex = cursor.at
  const match = NUMBER.exec(text)
  if (match === null) return undefined
  cursor.at = NUMBER.lastIndex
  const digits = match[0]
  if (match[1] === undefined && match[2] === undefined) {
    const number = Number(digits)
    if (Number.isSafeInteger(number)) return number + 0 === 0 ? 0 : number
    const integer = BigInt(digits)
    if (cursor.newer && integer > MAX_INTEGER && integer <= MAX_UNSIGNED) {
      throw new ValueError(`unsigned json number ${digits} outside of Nix integer range`)
    }
    if (integer >= MIN_INTEGER && integer <= MAX_UNSIGNED) return BigInt.asIntN(64, integer)
    return Number.isFinite(number) ? new Float(number) : undefined
  }
  const number = Number(digits)
  return Number.isFinite(number) ? new Float(number) : undefined
}

function literal(cursor: Cursor, word: string, value: Value): Value | undefined {
  if (!cursor.text.startsWith(word, cursor.at)) return undefined
  cursor.at += word.length
  return value
}

/** At the opening quote. */
function parseString(cursor: Cursor): string | undefined {
  const { text } = cursor
  const start = cursor.at + 1
  const end = plainEnd(text, start)
  if (text.charCodeAt(end) !== 0x22) return parseOtherString(cursor, end)
  cursor.at = end + 1
  return text.slice(start, end)
}

/** Where a character comes that ends a string, or does not stand for itself. */
function plainEnd(text: string, start: number): number {
  let at = start
  let char = text.charCodeAt(at)
  while (char >= 0x20 && char < 0x80 && char !== 0x22 && char !== 0x5c) char = text.charCodeAt(++at)
  return at
}

/** A string with escapes or bytes above ASCII, the first of them at `special`. */
function parseOtherString(cursor: Cursor, special: number): string | undefined {
  const { text } = cursor
  const end = endOfShortEscapes(text, special)
  if (end !== undefined) {
    const literal = text.slice(cursor.at, end)
    cursor.at = end
    return JSON.parse(literal) as string
  }
  let result = text.slice(cursor.at + 1, special)
  let start = special
  for (;;) {
    let at = plainEnd(text, start)
    const char = text.charCodeAt(at)
    result += text.slice(start, at)
    if (char === 0x22) {
      cursor.at = at + 1
      if (cursor.newer) refuseNullByte(result)
      // A string of Nix 2.8 ends at its first NUL.
      const nul = result.indexOf('\0')
      return nul < 0 ? result : result.slice(0, nul)
    }
    if (char === 0x5c) {
      const letter = text.charAt(at + 1)
      if (letter === 'u') {
        const unit = hex4(text, at + 2)
        if (unit === undefined) return undefined
        at += 6
        let code = unit
        if (unit >= 0xdc00 && unit <= 0xdfff) return undefined
        if (unit >= 0xd800 && unit <= 0xdbff) {
          const low = text.startsWith('\\u', at) ? hex4(text, at + 2) : undefined
          if (low === undefined || low < 0xdc00 || low > 0xdfff) return undefined
          code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
          at += 6
        }
        result += Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1')
      } else {
        const plain = letter === '' ? undefined : ESCAPES[letter]
        if (plain === undefined) return undefined
        result += plain
        at += 2
      }
      start = at
      continue
    }
    UTF8.lastIndex = at
    if (!UTF8.test(text)) return undefined
    result += text.slice(at, UTF8.lastIndex)
    start = UTF8.lastIndex
  }
}

/** Behind the closing quote, unless something other than ASCII and escapes of two characters comes before it. */
function endOfShortEscapes(text: string, start: number): number | undefined {
  let at = start
  for (;;) {
    at = plainEnd(text, at)
    const char = text.charCodeAt(at)
    if (char === 0x22) return at + 1
    if (char !== 0x5c || ESCAPES[text.charAt(at + 1)] === undefined) return undefined
    at += 2
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function hex4(text: string, at: number): number | undefined {
  HEX4.lastIndex = at
  return HEX4.test(text) ? Number.parseInt(text.slice(at, at + 4), 16) : undefined
}

function skipSpace(cursor: Cursor): void {
  if (cursor.text.charCodeAt(cursor.at) > 0x20) return
  SPACE.lastIndex = cursor.at
  SPACE.test(cursor.text)
  cursor.at = SPACE.lastIndex
}
