import { attributePosition } from './attribute-position.ts'
import { findAttribute, nameOrder } from './attrs.ts'
import { callDepthMessage } from './call-depth.ts'
import { coerceToString, copyPathToStore } from './coerce.ts'
import type { ContextCollector } from './context.ts'
import { valueInError } from './error-value.ts'
import { CallDepthError, ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { formatGeneral6, formatShortest } from './float-text.ts'
import { typeName } from './force.ts'
import { callFunction, functionPosition } from './function.ts'
import { LongText } from './long-text.ts'
import type { Position } from './position.ts'
import { intern, symbolText } from './symbols.ts'
import { force, forceAt, forceThunk, isUnevaluated, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

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
  const { maxDataDepth } = evaluator.settings
  const text = new LongText()
  write({ evaluator, context, strict, newer, maxDepth: maxDataDepth, text, shapes: new Map() }, slot, 1)
  return text.text
}

/** A byte string quoted for JSON in the form of 2.8; bytes above ASCII are left as they are. */
export function jsonString(value: string): string {
  return quoted(value, false)
}

interface Writer {
  readonly evaluator: Evaluator
  readonly context: ContextCollector
  readonly strict: boolean
  readonly newer: boolean
  readonly maxDepth: number
  readonly text: LongText
  /** By keys, which sets of one shape share. */
  readonly shapes: Map<readonly number[], Shape>
}

/** The attributes of a set in the order in which they are written. */
interface Shape {
  /** Indices into the keys. */
  readonly order: readonly number[]
  /** What stands before each value; empty until it is needed. */
  readonly beginnings: string[]
}

function write(writer: Writer, slot: Slot, depth: number): void {
  const { evaluator, context, text } = writer
  if (depth > writer.maxDepth) throw new CallDepthError(callDepthMessage(evaluator.settings))
  if (!writer.strict && isUnevaluated(slot)) throw new ValueError('cannot convert a thunk to JSON')
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'string') text.add(quoted(value, writer.newer))
  else if (typeof value === 'number' || typeof value === 'bigint') text.add(value.toString())
  else if (typeof value === 'boolean') text.add(value ? 'true' : 'false')
  else if (value === null) text.add('null')
  else if (value instanceof NixString) {
    context.add(value.context)
    text.add(quoted(value.text, writer.newer))
  } else if (value instanceof Attrs) writeAttrs(writer, value, depth)
  else if (Array.isArray(value)) {
    text.add('[')
    for (let i = 0; i < value.length; i++) {
      if (i > 0) text.add(',')
      write(writer, writer.strict ? forceAt(value, i) : value[i]!, depth + 1)
    }
    text.add(']')
  } else if (value instanceof Path) text.add(quoted(copyPathToStore(evaluator, value.path, context), writer.newer))
  else if (value instanceof Float) text.add((writer.newer ? formatShortest : formatGeneral6)(value.value))
  else throw new NotJsonError(`cannot convert ${typeName(value)} to JSON`, functionPosition(value))
}

/** A function, where it was written; a builtin, where the attribute was whose value it is or is in. */
class NotJsonError extends ValueError {}

function writeAttrs(writer: Writer, value: Attrs, depth: number): void {
  const { text, newer } = writer
  let shape = writer.shapes.get(value.keys)
  if (shape === undefined) {
    if (findAttribute(value, TO_STRING) >= 0) {
      const { evaluator, context } = writer
      const string = newer
        ? toStringText(writer, value, depth)
        : coerceToString(evaluator, value, context, false, false)
      text.add(quoted(string, newer))
      return
    }
    const outPathAt = findAttribute(value, OUT_PATH)
    if (outPathAt >= 0) {
      write(writer, value.slots[outPathAt]!, depth + 1)
      return
    }
    const order = nameOrder(value)
    shape = { order, beginnings: new Array(order.length).fill('') }
    writer.shapes.set(value.keys, shape)
  }
  const { order, beginnings } = shape
  if (order.length === 0) text.add('{')
  let i = 0
  try {
    for (; i < order.length; i++) {
      const at = order[i]!
      let beginning = beginnings[i]!
      if (beginning === '') {
        beginning = `${i === 0 ? '{' : ','}${quoted(symbolText(value.keys[at]!), newer)}:`
        beginnings[i] = beginning
      }
      text.add(beginning)
      write(writer, writer.strict ? forceAt(value.slots, at) : value.slots[at]!, depth + 1)
    }
  } catch (error) {
    if (error instanceof NotJsonError) error.locate(attributePosition(value, value.keys[order[i]!]!))
    throw error
  }
  text.add('}')
}

/** What `__toString` gives, and what that stands for: a string or a path in the end. */
function toStringText(writer: Writer, set: Attrs, depth: number): string {
  const { evaluator, context } = writer
  let value: Value = set
  let position: Position | undefined
  for (let level = depth; value instanceof Attrs; level++) {
    if (level > writer.maxDepth) throw new CallDepthError(callDepthMessage(evaluator.settings))
    const at = findAttribute(value, TO_STRING)
    const outPathAt = at < 0 ? findAttribute(value, OUT_PATH) : at
    if (outPathAt < 0) {
      throw new ValueError(`\`__toString\` must return a string, but got a set: ${valueInError(value)}`, position)
    }
    position = attributePosition(value, value.keys[outPathAt]!)
    const slot: Slot = value.slots[outPathAt]!
    value = force(at < 0 ? slot : callFunction(slot, value))
  }
  if (typeof value === 'string') return value
  if (value instanceof Path) return value.path
  if (value instanceof NixString) {
    context.add(value.context)
    return value.text
  }
  const what = `${typeName(value)}: ${valueInError(value)}`
  throw new ValueError(`\`__toString\` should return a string, but got ${what}`, position)
}

function quoted(value: string, newer: boolean): string {
  if (!SPECIAL.test(value)) return `"${value}"`
  if (newer && BEYOND_ASCII.test(value)) checkUtf8(value)
  // JavaScript has the escapes of today, and leaves bytes above ASCII as they are.
  const text = JSON.stringify(value)
  return newer || !/[\b\f]/.test(value) ? text : text.replace(SHORT_ESCAPE, longEscape)
}

/** An escape as 2.8 writes it. */
function longEscape(written: string): string {
  return written === '\\b' ? '\\u0008' : written === '\\f' ? '\\u000c' : written
}

/** All escapes, so that the second backslash of one begins none. */
const SHORT_ESCAPE = /\\./g
/** What may have to be written otherwise, or be refused. */
const SPECIAL = /["\\\x00-\x1f\x80-\xff]/

const BEYOND_ASCII = /[\x80-\xff]/

const TO_STRING = intern('__toString')
const OUT_PATH = intern('outPath')

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
