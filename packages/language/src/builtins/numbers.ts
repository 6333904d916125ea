import { lessThan } from '../equality.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { formatGeneral6 } from '../float-text.ts'
import { forceFloat, forceInt } from '../force.ts'
import type { Builtin } from '../function.ts'
import { checkedInt, normalInt } from '../integer.ts'
import { force } from '../thunk.ts'
import { Float, type Slot, type Value } from '../value.ts'

/** Arithmetic: 64-bit integers (too large: wrapped in 2.8, today an error), and floats when one side is a float. */
export const numberBuiltins: readonly Builtin[] = [
  arithmetic(
    '__add',
    '+',
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  arithmetic(
    '__sub',
    '-',
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  arithmetic(
    '__mul',
    '*',
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  { name: '__div', arity: 2, code: divide },
  { name: '__lessThan', arity: 2, code: (_, a, b) => lessThan(a, b) },
  bitwise('__bitAnd', (a, b) => a & b),
  bitwise('__bitOr', (a, b) => a | b),
  bitwise('__bitXor', (a, b) => a ^ b),
  { name: '__ceil', arity: 1, code: (evaluator, slot) => rounded(evaluator, slot, Math.ceil) },
  { name: '__floor', arity: 1, code: (evaluator, slot) => rounded(evaluator, slot, Math.floor) },
]

const MIN_INT64 = -(1n << 63n)

function arithmetic(
  name: string,
  operator: '+' | '-' | '*',
  onNumbers: (a: number, b: number) => number,
  onIntegers: (a: bigint, b: bigint) => bigint,
): Builtin {
  return {
    name,
    arity: 2,
    code: (evaluator, left, right) => {
      const a = force(left)
      const b = force(right)
      if (typeof a === 'number' && typeof b === 'number') {
        const result = onNumbers(a, b)
        // `+ 0` turns -0, which `0 * -1` gives, into 0.
        if (Number.isSafeInteger(result)) return result + 0
      } else if (a instanceof Float || b instanceof Float) {
        return new Float(onNumbers(forceFloat(a), forceFloat(b)))
      }
      const x = forceInt(a)
      const y = forceInt(b)
      return checkedInt(evaluator, onIntegers(BigInt(x), BigInt(y)), x, operator, y)
    },
  }
}

function divide(evaluator: Evaluator, left: Slot, right: Slot): Value {
  const a = force(left)
  const b = force(right)
  if (forceFloat(b) === 0) throw new ValueError('division by zero')
  if (a instanceof Float || b instanceof Float) return new Float(forceFloat(a) / forceFloat(b))
  const x = forceInt(a)
  const y = forceInt(b)
  if (typeof x === 'number' && typeof y === 'number') return Math.trunc(x / y) + 0
  const quotient = BigInt(x) / BigInt(y)
  if (quotient > -MIN_INT64 - 1n && !evaluator.settings.newerFeatures) {
    throw new ValueError('overflow in integer division')
  }
  return checkedInt(evaluator, quotient, x, '/', y)
}

function bitwise(name: string, onIntegers: (a: bigint, b: bigint) => bigint): Builtin {
  return {
    name,
    arity: 2,
    code: (_, left, right) => normalInt(onIntegers(BigInt(forceInt(left)), BigInt(forceInt(right)))),
  }
}

/** What does not fit, or is an integer that no float is equal to, is an error today. */
function rounded(evaluator: Evaluator, slot: Slot, round: (value: number) => number): number | bigint {
  const argument = force(slot)
  const value = round(forceFloat(argument))
  if (!evaluator.settings.newerFeatures) return floatToInt(value)
  const isInteger = typeof argument === 'number' || typeof argument === 'bigint'
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) {
    throw new ValueError(
      isInteger
        ? `Due to a bug (see https://github.com/NixOS/nix/issues/12899) the NixInt argument ${argument} caused undefined behavior in previous Nix versions.\n\tFuture Nix versions might implement the correct behavior.`
        : `NixFloat argument ${formatGeneral6(value)} is not in the range of NixInt`,
    )
  }
  const result = floatToInt(value)
  if (isInteger && BigInt(argument) !== BigInt(result)) {
    throw new ValueError(
      `Due to a bug (see https://github.com/NixOS/nix/issues/12899) a loss of precision occurred in previous Nix versions because the NixInt argument ${argument} was rounded to ${result}.\n\tFuture Nix versions might implement the correct behavior.`,
    )
  }
  return result
}

/** What does not fit becomes the smallest integer, as the processor does it. */
function floatToInt(value: number): number | bigint {
  if (Number.isSafeInteger(value)) return value + 0
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return MIN_INT64
  return normalInt(BigInt(value))
}
