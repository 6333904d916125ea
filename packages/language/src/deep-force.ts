import { attributePosition } from './attribute-position.ts'
import { EvaluationError } from './errors.ts'
import { symbolText } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, type Slot, type Value } from './value.ts'

/** Evaluates a value completely, each set and list once; functions are not entered. */
export function forceDeep(slot: Slot): Value {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  enter(value, new Set())
  return value
}

function enter(value: Value, seen: Set<Value>): void {
  if (value instanceof Attrs) {
    if (seen.has(value)) return
    seen.add(value)
    const { slots } = value
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!
      try {
        enter(slot instanceof Thunk ? forceThunk(slot) : slot, seen)
      } catch (error) {
        if (error instanceof EvaluationError) {
          const key = value.keys[i]!
          error.addFrame(`while evaluating the attribute '${symbolText(key)}'`, attributePosition(value, key))
        }
        throw error
      }
    }
  } else if (Array.isArray(value)) {
    if (seen.has(value)) return
    seen.add(value)
    for (let i = 0; i < value.length; i++) {
      const slot = value[i]!
      enter(slot instanceof Thunk ? forceThunk(slot) : slot, seen)
    }
  }
}
