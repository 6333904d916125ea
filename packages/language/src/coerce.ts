import { findAttribute } from './attrs.ts'
import { ContextCollector, makeString, pathElement } from './context.ts'
import { valueInError } from './error-value.ts'
import { ValueError } from './errors.ts'
import type { EvalIo } from './eval-io.ts'
import type { Evaluator } from './evaluator.ts'
import { formatFixed6 } from './float-text.ts'
import { typeName } from './force.ts'
import { callFunction } from './function.ts'
import { SharedResults } from './shared-results.ts'
import { intern } from './symbols.ts'
import { forceAt, forceThunk, Thunk } from './thunk.ts'
import { Attrs, Float, NixString, Path, type Slot, type Value } from './value.ts'

/**
 * Nix's coercion to a string. Strings, paths, sets with `__toString` or `outPath` always work; with `coerceMore`
 * (derivation attributes, `toString`) also null, booleans, numbers and lists. `copyToStore` copies paths into the
 * store and adds them to the context (interpolation, derivation attributes); `toString` gives the bare path.
 */
export function coerceToString(
  evaluator: Evaluator,
  slot: Slot,
  context: ContextCollector,
  coerceMore: boolean,
  copyToStore: boolean,
): string {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'string') return value
  // Not `toString`, which is a method that may get a radix.
  if (typeof value === 'number' && coerceMore) return `${value}`
  if (value instanceof NixString) {
    context.add(value.context)
    return value.text
  }
  if (value instanceof Path) {
    return copyToStore ? copyPathToStore(evaluator, value.path, context) : value.path
  }
  if (value instanceof Attrs) {
    const toStringAt = findAttribute(value, TO_STRING)
    if (toStringAt >= 0) {
      const text = callFunction(value.slots[toStringAt]!, value)
      return coerceToString(evaluator, text, context, coerceMore, copyToStore)
    }
    const outPathAt = findAttribute(value, OUT_PATH)
    if (outPathAt < 0) throw cannotCoerce(value)
    return coerceToString(evaluator, forceAt(value.slots, outPathAt), context, coerceMore, copyToStore)
  }
  if (coerceMore) {
    if (value === null || value === false) return ''
    if (value === true) return '1'
    if (typeof value === 'bigint') return value.toString()
    if (value instanceof Float) return formatFixed6(value.value)
    if (Array.isArray(value)) return coerceList(evaluator, value, context, copyToStore)
  }
  throw cannotCoerce(value)
}

function cannotCoerce(value: Value): ValueError {
  const message = `cannot coerce ${typeName(value)} to a string`
  return new ValueError(message).inToday(() => `${message}: ${valueInError(value)}`)
}

/** The same as a value with its context; what already is a string comes back as it is. */
export function coerceToStringValue(
  evaluator: Evaluator,
  slot: Slot,
  coerceMore: boolean,
  copyToStore: boolean,
): string | NixString {
  // What most calls of `toString` get. First, because to V8 asking a number for its class is a call out of compiled code.
  if (typeof slot === 'number' && coerceMore) return `${slot}`
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  if (typeof value === 'number' && coerceMore) return `${value}`
  if (typeof value === 'string' || value instanceof NixString) return value
  const context = new ContextCollector()
  const text = coerceToString(evaluator, value, context, coerceMore, copyToStore)
  return makeString(text, context.context)
}

/** The absolute path that a value stands for; not copied to the store. */
export function coerceToPath(evaluator: Evaluator, slot: Slot, context: ContextCollector): string {
  const path = coerceToString(evaluator, slot, context, false, false)
  if (!path.startsWith('/')) throw new ValueError(`string '${path}' doesn't represent an absolute path`)
  return path
}

/** Copies a file tree into the store (each path once per world) and returns its store path text. */
export function copyPathToStore(evaluator: Evaluator, path: string, context: ContextCollector): string {
  if (path.endsWith('.drv')) throw new ValueError("file names are not allowed to end in '.drv'")
  let copied = copiedPaths.get(evaluator.io)
  if (copied === undefined) {
    copied = new SharedResults('copy')
    copiedPaths.set(evaluator.io, copied)
  }
  const storePath = copied.get(path, () =>
    evaluator.io.addPath({
      path,
      name: path.slice(path.lastIndexOf('/') + 1),
      recursive: true,
      filter: undefined,
      expectedSha256: undefined,
    }),
  )
  context.add(pathElement(storePath))
  return storePath
}

const TO_STRING = intern('__toString')
const OUT_PATH = intern('outPath')
const copiedPaths = new WeakMap<EvalIo, SharedResults<string>>()

/** Nix puts no space after an empty nested list, but one after an empty string. */
function coerceList(
  evaluator: Evaluator,
  list: readonly Slot[],
  context: ContextCollector,
  copyToStore: boolean,
): string {
  let result = ''
  const last = list.length - 1
  for (let i = 0; i <= last; i++) {
    const item = forceAt(list, i)
    result += coerceToString(evaluator, item, context, true, copyToStore)
    if (i === last) break
    if (!Array.isArray(item) || item.length !== 0) result += ' '
  }
  return result
}
