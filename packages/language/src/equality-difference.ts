/** Where two values that are not equal differ, as today's Nix tells of the sides of a failed `assert a == b`. */
import { attributePosition } from './attribute-position.ts'
import { findAttribute, getAttribute } from './attrs.ts'
import { isDerivation, valuesEqual } from './equality.ts'
import { valueInError } from './error-value.ts'
import type { TraceFrame } from './errors.ts'
import { typeName } from './force.ts'
import type { Position } from './position.ts'
import { printName } from './print-value.ts'
import { intern, symbolText } from './symbols.ts'
import { force } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

export interface Difference {
  readonly message: string
  /** Where in both values, as `.name[0]`; empty for the values themselves. */
  path: string
  /** The same as a trace, innermost first. */
  readonly frames: TraceFrame[]
}

/**
 * Looks at the values in the order of `valuesEqual`, which has found them to differ, and so forces nothing else.
 * `position` is that of the comparison.
 */
export function difference(left: Slot, right: Slot, position: Position | undefined): Difference | undefined {
  const a = force(left)
  const b = force(right)
  const kind = kindOf(a)
  // Of sets and lists that contain the difference nothing is shown.
  const unequal = (what: (value: Value) => string): Difference =>
    found(`${what(a)} '${valueInError(a)}' is not equal to ${what(b)} '${valueInError(b)}'`)
  if (kind !== kindOf(b)) return unequal((value) => `${typeName(value)} of value`)
  if (a instanceof Attrs && b instanceof Attrs) return attributesDifference(a, b, position)
  if (Array.isArray(a) && Array.isArray(b)) return listDifference(a, b, position)
  if (kind === 'function') {
    return found('distinct functions and immediate comparisons of identical functions compare as unequal')
  }
  if (valuesEqual(a, b)) return undefined
  return unequal(kind === 'number' ? (value) => `${typeName(value)} with value` : () => kind)
}

function found(message: string): Difference {
  return { message, path: '', frames: [] }
}

function listDifference(
  a: readonly Slot[],
  b: readonly Slot[],
  position: Position | undefined,
): Difference | undefined {
  if (a.length !== b.length) {
    const sides = `left hand side is '${valueInError(a)}', right hand side is '${valueInError(b)}'`
    return found(`list of size '${a.length}' is not equal to list of size '${b.length}', ${sides}`)
  }
  for (let i = 0; i < a.length; i++) {
    const inner = slotsDifference(a[i]!, b[i]!, position)
    if (inner === undefined) continue
    inner.path = `[${i}]${inner.path}`
    inner.frames.push({ message: `while comparing list element ${i}`, position })
    return inner
  }
  return undefined
}

function attributesDifference(a: Attrs, b: Attrs, position: Position | undefined): Difference | undefined {
  if (isDerivation(a) && isDerivation(b)) {
    const x = getAttribute(a, OUT_PATH)
    const y = getAttribute(b, OUT_PATH)
    if (x !== undefined && y !== undefined) {
      const inner = slotsDifference(x, y, position)
      if (inner === undefined) return undefined
      inner.path = `.outPath${inner.path}`
      inner.frames.push({ message: "while comparing a derivation by its 'outPath' attribute", position })
      return inner
    }
  }
  if (a.keys.length !== b.keys.length) {
    return found(
      `attribute names of attribute set '${valueInError(a)}' differs from attribute set '${valueInError(b)}'`,
    )
  }
  for (const [i, key] of a.keys.entries()) {
    const other = b.keys[i]!
    if (key !== other) {
      const [one, two] = [`'${valueInError(a)}'`, `'${valueInError(b)}'`]
      return findAttribute(b, key) < 0
        ? found(`attribute name '${symbolText(key)}' is contained in ${one}, but not in ${two}`)
        : found(`attribute name '${symbolText(other)}' is missing in ${one}, but is contained in ${two}`)
    }
    const inner = slotsDifference(a.slots[i]!, b.slots[i]!, position)
    if (inner === undefined) continue
    for (const [set, side] of [
      [a, 'left'],
      [b, 'right'],
    ] as const) {
      const place = attributePosition(set, key)
      if (place !== undefined) inner.frames.push({ message: `where ${side} hand side is`, position: place })
    }
    inner.path = `.${printName(symbolText(key))}${inner.path}`
    inner.frames.push({ message: `while comparing attribute '${symbolText(key)}'`, position })
    return inner
  }
  return undefined
}

/** Inside of lists and sets the same value is equal to itself, also a function. */
function slotsDifference(left: Slot, right: Slot, position: Position | undefined): Difference | undefined {
  return force(left) === force(right) ? undefined : difference(left, right, position)
}

type Kind = 'number' | 'boolean' | 'string' | 'path' | 'null' | 'list' | 'set' | 'function'

function kindOf(value: Value): Kind {
  if (isNumber(value)) return 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'string' || value instanceof NixString) return 'string'
  if (value === null) return 'null'
  if (value instanceof Path) return 'path'
  if (value instanceof Attrs) return 'set'
  return Array.isArray(value) ? 'list' : 'function'
}

function isNumber(value: Value): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Float
}

const OUT_PATH = intern('outPath')
