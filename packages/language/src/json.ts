import { findAttribute, nameOrder } from './attrs.ts'
import { coerceToString, copyPathToStore } from './coerce.ts'
import type { ContextCollector } from './context.ts'
import { ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { formatGeneral6 } from './float-text.ts'
import { typeName } from './force.ts'
import { intern, symbolText } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot } from './value.ts'

/**
 * A value as JSON text in Nix 2.8's form: no spaces, names in byte order, floats as `%g`. Paths are copied to the store,
 * sets with `__toString` or `outPath` stand for these. Contexts of all strings are collected. With `strict` off,
 * anything not yet evaluated is an error, as in `--eval --json`.
 */
export function jsonText(evaluator: Evaluator, slot: Slot, context: ContextCollector, strict = true): string {
  if (slot instanceof Thunk && !strict && slot.code !== null) throw new ValueError('cannot convert a thunk to JSON')
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return value.toString()
  }
  if (value === null) return 'null'
  if (value instanceof NixString) {
    context.add(value.context)
    return jsonString(value.text)
  }
  if (value instanceof Attrs) {
    if (findAttribute(value, TO_STRING) >= 0) return jsonString(coerceToString(evaluator, value, context, false, false))
    const outPathAt = findAttribute(value, OUT_PATH)
    if (outPathAt >= 0) return jsonText(evaluator, value.slots[outPathAt]!, context, strict)
    const order = nameOrder(value)
    let text = '{'
    for (let i = 0; i < order.length; i++) {
      const at = order[i]!
      const item = jsonText(evaluator, value.slots[at]!, context, strict)
      text += `${i === 0 ? '' : ','}${jsonString(symbolText(value.keys[at]!))}:${item}`
    }
    return `${text}}`
  }
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++) {
      text += (i === 0 ? '' : ',') + jsonText(evaluator, value[i]!, context, strict)
    }
    return `${text}]`
  }
  if (value instanceof Path) return jsonString(copyPathToStore(evaluator, value.path, context))
  if (value instanceof Float) return formatGeneral6(value.value)
  throw new ValueError(`cannot convert ${typeName(value)} to JSON`)
}

/** A byte string quoted for JSON; bytes above ASCII are left as they are. */
export function jsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, escapeChar)}"` : `"${text}"`
}

const TO_STRING = intern('__toString')
const OUT_PATH = intern('outPath')
const NEEDS_ESCAPE = /["\\\x00-\x1f]/
const ESCAPED = /["\\\x00-\x1f]/g

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
