import { escapeTermChar } from '@baryon/format'
import { nameOrder } from './attrs.ts'
import { formatGeneral6 } from './float-text.ts'
import { Lambda, PartialApp, PrimOp } from './function.ts'
import { symbolText } from './symbols.ts'
import { Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

/**
 * A value as `nix-instantiate --eval` of Nix 2.8 prints it. Nothing is evaluated: what was not is `<CODE>`; force the
 * value deeply first for `--strict`. A set or list that was printed already is `«repeated»` (in UTF-8 bytes).
 */
export function printValue(slot: Slot): string {
  const value = slot instanceof Thunk && slot.code === null ? (slot.second as Value) : slot
  // Nix prints a copy of the value, so that a short list is not met again inside itself.
  return print(Array.isArray(value) && value.length <= 2 ? value.slice() : slot, new Set())
}

/** A byte string in double quotes, with what would be special inside them escaped. */
export function printString(text: string): string {
  return `"${text.replace(/["\\\n\r\t]|\$(?=\{)/g, escapeTermChar)}"`
}

/** An attribute name, quoted unless it can stand as it is. */
export function printName(name: string): string {
  return PLAIN_NAME.test(name) && name !== 'if' ? name : printString(name)
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_'-]*$/
const REPEATED = '\xc2\xabrepeated\xc2\xbb'

function print(slot: Slot, seen: Set<Slot>): string {
  if (slot instanceof Thunk && slot.code !== null) return '<CODE>'
  const value = slot instanceof Thunk ? (slot.second as Value) : slot
  switch (typeof value) {
    case 'string':
      return printString(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return value.toString()
  }
  if (value === null) return 'null'
  if (value instanceof NixString) return printString(value.text)
  if (value instanceof Path) return value.path
  if (value instanceof Float) return formatGeneral6(value.value)
  if (value instanceof Attrs) {
    if (value.keys.length > 0) {
      if (seen.has(value)) return REPEATED
      seen.add(value)
    }
    let text = '{ '
    for (const i of nameOrder(value)) {
      text += `${printName(symbolText(value.keys[i]!))} = ${print(value.slots[i]!, seen)}; `
    }
    return `${text}}`
  }
  if (Array.isArray(value)) {
    if (value.length > 0) {
      // Nix keeps the items of short lists inside the value itself, so that only the same variable counts as seen.
      const identity = value.length <= 2 ? slot : value
      if (seen.has(identity)) return REPEATED
      seen.add(identity)
    }
    let text = '[ '
    for (const item of value) text += `${print(item, seen)} `
    return `${text}]`
  }
  if (value instanceof Lambda) return '<LAMBDA>'
  if (value instanceof PrimOp) return value.name === 'derivation' ? '<LAMBDA>' : '<PRIMOP>'
  if (value instanceof PartialApp) return value.fn instanceof Lambda ? '<LAMBDA>' : '<PRIMOP-APP>'
  return '<UNKNOWN>'
}
