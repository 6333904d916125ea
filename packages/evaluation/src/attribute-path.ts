import { UserError } from '@baryon/format'
import {
  Attrs,
  EvaluationError,
  findAttribute,
  force,
  intern,
  type Slot,
  suggest,
  symbolText,
  typeName,
  type Value,
} from '@baryon/language'
import { autoCall } from './auto-call.ts'

/**
 * The value at an attribute path (bytes): names, quoted names and list indices, with dots between. Functions on the way
 * are called with `args`.
 */
export function selectAttribute(root: Slot, path: string, args: Attrs): Value {
  let slot = root
  for (const name of parseAttributePath(path)) {
    const value = autoCall(slot, args)
    // Nix takes every name that is a number of 32 bits for an index.
    const index = /^[0-9]+$/.test(name) && Number(name) <= 0xffffffff ? Number(name) : undefined
    if (index === undefined) {
      if (!(value instanceof Attrs)) {
        throw failure(
          `the expression selected by the selection path '${path}' should be a set but is ${typeName(value)}`,
        )
      }
      if (name === '') throw failure(`empty attribute name in selection path '${path}'`)
      const at = findAttribute(value, intern(name))
      if (at < 0) {
        throw new EvaluationError(
          'ATTRIBUTE_MISSING',
          `attribute '${name}' in selection path '${path}' not found`,
          undefined,
          suggest(name, value.keys.map(symbolText)),
        )
      }
      slot = value.slots[at]!
    } else {
      if (!Array.isArray(value)) {
        throw failure(
          `the expression selected by the selection path '${path}' should be a list but is ${typeName(value)}`,
        )
      }
      const item: Slot | undefined = value[index]
      if (item === undefined) {
        throw new EvaluationError(
          'ATTRIBUTE_MISSING',
          `list index ${index} in selection path '${path}' is out of range`,
        )
      }
      slot = item
    }
  }
  return force(slot)
}

/** The names in an attribute path; quotes keep dots together. */
export function parseAttributePath(path: string): string[] {
  const names: string[] = []
  let current = ''
  for (let i = 0; i < path.length; i++) {
    const char = path[i]!
    if (char === '.') {
      names.push(current)
      current = ''
    } else if (char === '"') {
      const end = path.indexOf('"', i + 1)
      if (end < 0) throw new UserError('ATTRIBUTE_PATH', `missing closing quote in selection path '${path}'`)
      current += path.slice(i + 1, end)
      i = end
    } else {
      current += char
    }
  }
  if (current !== '') names.push(current)
  return names
}

function failure(message: string): EvaluationError {
  return new EvaluationError('EVAL_TYPE', message)
}
