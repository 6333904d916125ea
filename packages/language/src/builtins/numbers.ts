import { lessThan } from '../equality.ts'
import { ValueError } from '../errors.ts'
import { forceFloat, forceInt } from '../force.ts'
import type { Builtin } from '../function.ts'
import { normalInt } from '../integer.ts'
import { force } from '../thunk.ts'
import { Float, type Slot, type Value } from '../value.ts'

/** Arithmetic: 64-bit integers that wrap, and floats when one side is a float. */
export const numberBuiltins: readonly Builtin[] = [
  arithmetic(
    '__add',
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  arithmetic(
    '__sub',
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  arithmetic(
    '__mul',
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  { name: '__div', arity: 2, code: (_, a, b) => divide(a, b) },
  { name: '__lessThan', arity: 2, code: (_, a, b) => lessThan(a, b) },
  bitwise('__bitAnd', (a, b) => a & b),
  bitwise('__bitOr', (a, b) => a | b),
  bitwise('__bitXor', (a, b) => a ^ b),
  { name: '__ceil', arity: 1, code: (_, slot) => floatToInt(Math.ceil(forceFloat(slot))) },
  { name: '__floor', arity: 1, code: (_, slot) => floatToInt(Math.floor(forceFloat(slot))) },
]

const MIN_INT64 = -(1n << 63n)

function arithmetic(
  name: string,
  onNumbers: (a: number, b: number) => number,
  onIntegers: (a: bigint, b: bigint) => bigint,
): Builtin {
  return {
    name,
    arity: 2,
    code: (_, left, right) => {
      const a = force(left)
      const b = force(right)
      if (typeof a === 'number' && typeof b === 'number') {
        const result = onNumbers(a, b)
        // `+ 0` turns -0, which `0 * -1` gives, into 0.
        if (Number.isSafeInteger(result)) return result + 0
      } else if (a instanceof Float || b instanceof Float) {
        return new Float(onNumbers(forceFloat(a), forceFloat(b)))
      }
      return normalInt(onIntegers(BigInt(forceInt(a)), BigInt(forceInt(b))))
    },
  }
}

function divide(left: Slot, right: Slot): Value {
  const a = force(left)
  const b = force(right)
  if (forceFloat(b) === 0) throw new ValueError('division by zero')
  if (a instanceof Float || b instanceof Float) return new Float(forceFloat(a) / forceFloat(b))
  const x = forceInt(a)
  const y = forceInt(b)
  if (typeof x === 'number' && typeof y === 'number') return Math.trunc(x / y) + 0
  const quotient = BigInt(x) / BigInt(y)
  if (quotient > -MIN_INT64 - 1n) throw new ValueError('overflow in integer division')
  return normalInt(quotient)
}

function bitwise(name: string, onIntegers: (a: bigint, b: bigint) => bigint): Builtin {
  return {
    name,
    arity: 2,
    code: (_, left, right) => normalInt(onIntegers(BigInt(forceInt(left)), BigInt(forceInt(right)))),
  }
}

/** What does not fit becomes the smallest integer, as the processor does it. */
function floatToInt(value: number): number | bigint {
  if (Number.isSafeInteger(value)) return value + 0
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return MIN_INT64
  return normalInt(BigInt(value))
}
