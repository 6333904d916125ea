import { findAttribute, nameOrder } from './attrs.ts'
import { callDepthMessage } from './call-depth.ts'
import { coerceToString, copyPathToStore } from './coerce.ts'
import type { ContextCollector } from './context.ts'
import { CallDepthError, ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { formatGeneral6, formatShortest } from './float-text.ts'
import { typeName } from './force.ts'
import { intern, symbolText } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot } from './value.ts'

export interface JsonOptions {
  /** Off: anything not yet evaluated is an error, as in `--eval --json`. Default: on. */
  readonly strict?: boolean
  /** The form of today: the shortest text of a float, `\b` and `\f`, and strings must be UTF-8. Default: that of 2.8. */
  readonly newer?: boolean
}

/**
 * A value as JSON text: no spaces, names in byte order; in 2.8 floats as `%g`. Paths are copied to the store, sets with
 * `__toString` or `outPath` stand for these. Contexts of all strings are collected. Data may not nest deeper
 * than the settings allow.
 */
export function jsonText(
  evaluator: Evaluator,
  slot: Slot,
  context: ContextCollector,
  { strict = true, newer = false }: JsonOptions = {},
): string {
  const quote = newer ? modernJsonString : jsonString
  return write({ evaluator, context, strict, newer, quote, maxDepth: evaluator.settings.maxDataDepth }, slot, 1)
}

/** A byte string quoted for JSON; bytes above ASCII are left as they are. */
export function jsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, escapeChar)}"` : `"${text}"`
}

interface Writer {
  readonly evaluator: Evaluator
  readonly context: ContextCollector
  readonly strict: boolean
  readonly newer: boolean
  readonly quote: (text: string) => string
  readonly maxDepth: number
}

function write(writer: Writer, slot: Slot, depth: number): string {
  const { evaluator, context, strict, quote } = writer
  if (depth > writer.maxDepth) throw new CallDepthError(callDepthMessage(evaluator.settings))
  if (slot instanceof Thunk && !strict && slot.code !== null) throw new ValueError('cannot convert a thunk to JSON')
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return value.toString()
  }
  if (value === null) return 'null'
  if (value instanceof NixString) {
    context.add(value.context)
    return quote(value.text)
  }
  if (value instanceof Attrs) {
    if (findAttribute(value, TO_STRING) >= 0) return quote(coerceToString(evaluator, value, context, false, false))
    const outPathAt = findAttribute(value, OUT_PATH)
    if (outPathAt >= 0) return write(writer, value.slots[outPathAt]!, depth + 1)
    const order = nameOrder(value)
    let text = '{'
    for (let i = 0; i < order.length; i++) {
      const at = order[i]!
      const item = write(writer, value.slots[at]!, depth + 1)
      text += `${i === 0 ? '' : ','}${quote(symbolText(value.keys[at]!))}:${item}`
    }
    return `${text}}`
  }
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++) {
      text += (i === 0 ? '' : ',') + write(writer, value[i]!, depth + 1)
    }
    return `${text}]`
  }
  if (value instanceof Path) return quote(copyPathToStore(evaluator, value.path, context))
  if (value instanceof Float) return writer.newer ? formatShortest(value.value) : formatGeneral6(value.value)
  throw new ValueError(`cannot convert ${typeName(value)} to JSON`)
}

/** As `jsonString`, in the form of today. */
function modernJsonString(text: string): string {
  if (BEYOND_ASCII.test(text)) checkUtf8(text)
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, modernEscape)}"` : `"${text}"`
}

const TO_STRING = intern('__toString')
const OUT_PATH = intern('outPath')
const NEEDS_ESCAPE = /["\\\x00-\x1f]/
const ESCAPED = /["\\\x00-\x1f]/g

const BEYOND_ASCII = /[\x80-\xff]/

function modernEscape(char: string): string {
  return char === '\b' ? '\\b' : char === '\f' ? '\\f' : escapeChar(char)
}

/** The error has the words of the JSON library that Nix uses. */
function checkUtf8(text: string): void {
  UTF8.lastIndex = 0
  UTF8.test(text)
  const at = UTF8.lastIndex
  if (at === text.length) return
  // The first byte that cannot go on with what came before it.
  const lead = text.charCodeAt(at)
  let bad = at
  if (lead >= 0xc2 && lead <= 0xf4) {
    bad++
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    const second = text.charCodeAt(bad)
    if (second >= low && second <= high)
      do bad++
      while (isContinuation(text.charCodeAt(bad)))
  }
  const problem =
    bad < text.length
      ? `invalid UTF-8 byte at index ${bad}: 0x${hexByte(text, bad)}`
      : `incomplete UTF-8 string; last byte: 0x${hexByte(text, text.length - 1)}`
  throw new ValueError(`JSON serialization error: [json.exception.type_error.316] ${problem}`)
}

const UTF8 =
  /(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*/y

function isContinuation(code: number): boolean {
  return code >= 0x80 && code <= 0xbf
}

function hexByte(text: string, at: number): string {
  return text.charCodeAt(at).toString(16).toUpperCase().padStart(2, '0')
}

function escapeChar(char: string): string {
  switch (char) {
    case '"':
    case '\\':
      return `\\${char}`
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    case '\t':
      return '\\t'
    default:
      return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  }
}
