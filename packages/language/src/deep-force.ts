import { attributePosition } from './attribute-position.ts'
import { callDepthMessage } from './call-depth.ts'
import { CallDepthError, EvaluationError } from './errors.ts'
import type { EvalSettings } from './evaluator.ts'
import { symbolText } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import { Attrs, type Slot, type Value } from './value.ts'

/**
 * Evaluates a value completely, each set and list once; functions are not entered. Data may not nest deeper than the
 * settings allow.
 */
export function forceDeep(slot: Slot, settings: DepthSettings = UNLIMITED): Value {
  const value = slot instanceof Thunk ? forceThunk(slot) : slot
  enter(value, new Set(), settings, 1)
  return value
}

type DepthSettings = Pick<EvalSettings, 'maxDataDepth' | 'newerFeatures'>

const UNLIMITED: DepthSettings = { maxDataDepth: Number.POSITIVE_INFINITY, newerFeatures: false }

function enter(value: Value, seen: Set<Value>, settings: DepthSettings, depth: number): void {
  if (depth > settings.maxDataDepth) throw new CallDepthError(callDepthMessage(settings))
  if (value instanceof Attrs) {
    if (seen.has(value)) return
    seen.add(value)
    const { slots } = value
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!
      try {
        enter(slot instanceof Thunk ? forceThunk(slot) : slot, seen, settings, depth + 1)
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
      enter(slot instanceof Thunk ? forceThunk(slot) : slot, seen, settings, depth + 1)
    }
  }
}
