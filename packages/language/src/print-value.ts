import { escapeTermChar } from '@baryon/format'
import { nameOrder } from './attrs.ts'
import { formatGeneral6 } from './float-text.ts'
import { Lambda, PartialApp, PrimOp } from './function.ts'
import { symbolText } from './symbols.ts'
import { force, isUnevaluated } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot } from './value.ts'

/**
 * A value as `nix-instantiate --eval` of Nix 2.8 prints it. Nothing is evaluated: what was not is `<CODE>`; force the
 * value deeply first for `--strict`. A set or list that was printed already is `«repeated»` (in UTF-8 bytes).
 *
 * A function inside a set or list is never a thunk here, in Nix it is one until it is called. Unless the value was forced
 * deeply (`deep`), such a function is taken for one that was not called.
 */
export function printValue(slot: Slot, { deep = true }: { readonly deep?: boolean } = {}): string {
  const value = isUnevaluated(slot) ? slot : force(slot)
  if (!deep && isFunction(value)) return functionText(value)
  // Nix prints a copy of the value, so that a short list is not met again inside itself.
  return print(Array.isArray(value) && value.length <= 2 ? value.slice() : slot, new Set(), deep)
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

function print(slot: Slot, seen: Set<Slot>, deep: boolean): string {
  if (isUnevaluated(slot)) return '<CODE>'
  const value = force(slot)
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
      text += `${printName(symbolText(value.keys[i]!))} = ${print(value.slots[i]!, seen, deep)}; `
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
    for (const item of value) text += `${print(item, seen, deep)} `
    return `${text}]`
  }
  if (isFunction(value)) return deep ? functionText(value) : '<CODE>'
  return '<UNKNOWN>'
}

function isFunction(value: Slot): value is Lambda | PrimOp | PartialApp {
  return value instanceof Lambda || value instanceof PrimOp || value instanceof PartialApp
}

function functionText(value: Lambda | PrimOp | PartialApp): string {
  if (value instanceof Lambda) return '<LAMBDA>'
  if (value instanceof PrimOp) return value.name === 'derivation' ? '<LAMBDA>' : '<PRIMOP>'
  return value.fn instanceof Lambda ? '<LAMBDA>' : '<PRIMOP-APP>'
}
