import { findAttribute, getAttribute } from './attrs.ts'
import { valueInError } from './error-value.ts'
import { ValueError } from './errors.ts'
import { typeName } from './force.ts'
import { Lambda, PartialApp, PrimOp } from './function.ts'
import { intern } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

/**
 * `==`. Contexts do not count, an integer equals its float, derivations are equal when their outPaths are, and
 * functions never are — except the same one inside two lists or sets, where Nix compares pointers first.
 */
export function valuesEqual(left: Slot, right: Slot): boolean {
  const a = left instanceof Thunk ? forceThunk(left) : left
  const b = right instanceof Thunk ? forceThunk(right) : right
  switch (typeof a) {
    case 'string':
      return typeof b === 'string' ? a === b : b instanceof NixString && a === b.text
    case 'number':
    case 'bigint':
      if (b instanceof Float) return Number(a) === b.value
      return a === b
    case 'boolean':
      return a === b
  }
  if (a === null) return b === null
  if (a instanceof NixString) return typeof b === 'string' ? a.text === b : b instanceof NixString && a.text === b.text
  if (a instanceof Attrs) return b instanceof Attrs && attrsEqual(a, b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!slotsEqual(a[i]!, b[i]!)) return false
    return true
  }
  if (a instanceof Path) return b instanceof Path && a.path === b.path
  if (a instanceof Float) {
    if (b instanceof Float) return a.value === b.value
    return (typeof b === 'number' || typeof b === 'bigint') && a.value === Number(b)
  }
  return false
}

/** `<` on numbers, strings, paths, and lists of these. */
export function lessThan(left: Slot, right: Slot): boolean {
  const a = left instanceof Thunk ? forceThunk(left) : left
  const b = right instanceof Thunk ? forceThunk(right) : right
  if (typeof a === 'number' && typeof b === 'number') return a < b
  const x = ordered(a)
  const y = ordered(b)
  if (typeof x === 'string' && typeof y === 'string' && a instanceof Path === b instanceof Path) return x < y
  if (typeof x !== 'string' && typeof y !== 'string' && x !== undefined && y !== undefined) {
    // BigInt and number compare exactly in JavaScript; Nix converts the integer when the other is a float.
    return a instanceof Float || b instanceof Float ? Number(x) < Number(y) : x < y
  }
  if (Array.isArray(a) && Array.isArray(b)) return listLessThan(a, b)
  const message = `cannot compare ${typeName(a)} with ${typeName(b)}`
  throw new ValueError(message).inToday(() => {
    const values = `${valueInError(a)} and ${valueInError(b)}`
    return typeName(a) === typeName(b)
      ? `${message}; values of that type are incomparable (values are ${values})`
      : `${message}; values are ${values}`
  })
}

/** The value is a set whose `type` is "derivation". */
export function isDerivation(attrs: Attrs): boolean {
  const i = findAttribute(attrs, TYPE)
  if (i < 0) return false
  const slot = attrs.slots[i]!
  const type = slot instanceof Thunk ? forceThunk(slot) : slot
  return type === 'derivation' || (type instanceof NixString && type.text === 'derivation')
}

const TYPE = intern('type')
const OUT_PATH = intern('outPath')

function attrsEqual(a: Attrs, b: Attrs): boolean {
  if (isDerivation(a) && isDerivation(b)) {
    const x = getAttribute(a, OUT_PATH)
    const y = getAttribute(b, OUT_PATH)
    if (x !== undefined && y !== undefined) return slotsEqual(x, y)
  }
  const count = a.keys.length
  if (count !== b.keys.length) return false
  if (a.keys !== b.keys) {
    for (let i = 0; i < count; i++) if (a.keys[i] !== b.keys[i]) return false
  }
  for (let i = 0; i < count; i++) if (!slotsEqual(a.slots[i]!, b.slots[i]!)) return false
  return true
}

function slotsEqual(left: Slot, right: Slot): boolean {
  // An unforced thunk must still be forced: it may throw.
  const a = left instanceof Thunk ? forceThunk(left) : left
  const b = right instanceof Thunk ? forceThunk(right) : right
  if (a === b) return true
  if (a instanceof Lambda || a instanceof PrimOp || a instanceof PartialApp) return false
  return valuesEqual(a, b)
}

function ordered(value: Value): string | number | bigint | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof NixString) return value.text
  if (value instanceof Float) return value.value
  if (value instanceof Path) return value.path
  return undefined
}

function listLessThan(a: readonly Slot[], b: readonly Slot[]): boolean {
  for (let i = 0; ; i++) {
    if (i === b.length) return false
    if (i === a.length) return true
    if (!valuesEqual(a[i]!, b[i]!)) return lessThan(a[i]!, b[i]!)
  }
}
