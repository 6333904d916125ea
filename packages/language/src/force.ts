/** Forcing a slot to a value of an expected type, with Nix's words for what was found instead. */
import { contextText, shownContext, sortedContext } from './context.ts'
import { valueInError } from './error-value.ts'
import { ValueError } from './errors.ts'
import { isFunction, Lambda, PartialApp, PrimOp } from './function.ts'
import type { Position } from './position.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

export function forceInt(slot: Slot): number | bigint {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return mismatch(value, 'an integer')
}

export function forceFloat(slot: Slot): number {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (value instanceof Float) return value.value
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return mismatch(value, 'a float')
}

export function forceBool(slot: Slot): boolean {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'boolean') return value
  return mismatch(value, 'a Boolean')
}

export function forceList(slot: Slot): readonly Slot[] {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (Array.isArray(value)) return value
  return mismatch(value, 'a list')
}

export function forceAttrs(slot: Slot): Attrs {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (value instanceof Attrs) return value
  return mismatch(value, 'a set')
}

/** A lambda, builtin, partial application, or set with `__functor`. */
export function forceFunction(slot: Slot): Value {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (isFunction(value)) return value
  return mismatch(value, 'a function')
}

/** A string with or without context; nothing is coerced. */
export function forceString(slot: Slot): string | NixString {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'string' || value instanceof NixString) return value
  return mismatch(value, 'a string')
}

/** The text of a string that must not refer to store paths. */
export function forceStringNoContext(slot: Slot): string {
  const value = forceString(slot)
  if (typeof value === 'string') return value
  const element = sortedContext(value.context)[0]!
  const message = (what: string): string =>
    `the string '${value.text}' is not allowed to refer to a store path (such as '${what}')`
  throw new ValueError(message(contextText(element))).inToday(() => message(shownContext(element)))
}

/** A value's type in messages: `an integer`, `a set`, `the built-in function 'map'`. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 'an integer'
    case 'boolean':
      return 'a Boolean'
    case 'string':
      return 'a string'
  }
  if (value === null) return 'null'
  if (value instanceof NixString) return 'a string with context'
  if (value instanceof Float) return 'a float'
  if (value instanceof Path) return 'a path'
  if (value instanceof Attrs) return 'a set'
  if (value instanceof Lambda) return 'a function'
  if (value instanceof PrimOp) return `the built-in function '${value.name}'`
  if (value instanceof PartialApp) {
    return value.fn instanceof Lambda ? 'a function' : `the partially applied built-in function '${value.fn.name}'`
  }
  return 'a list'
}

function mismatch(value: Value, expected: string): never {
  throw wrongType(value, expected)
}

/** The error for a value of another type; without a position the caller's is filled in. */
export function wrongType(value: Value, expected: string, position?: Position): ValueError {
  return new ValueError(`value is ${typeName(value)} while ${expected} was expected`, position).inToday(
    () => `expected ${expected} but found ${typeName(value)}: ${valueInError(value)}`,
  )
}
