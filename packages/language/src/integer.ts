import { ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { forceInt } from './force.ts'
import type { Slot } from './value.ts'

/** An integer of 64 bits, wrapped around: a number where that is exact, else a bigint. */
export function normalInt(value: bigint): number | bigint {
  const wrapped = BigInt.asIntN(64, value)
  return wrapped >= MIN_SAFE && wrapped <= MAX_SAFE ? Number(wrapped) : wrapped
}

/**
 * The result of `a operator b`: in 2.8 wrapped around, today an error when it does not fit into 64 bits. The error has
 * no position yet. Only for results that are no safe numbers: those need none of this.
 */
export function checkedInt(
  evaluator: Evaluator,
  exact: bigint,
  a: number | bigint,
  operator: '+' | '-' | '*' | '/',
  b: number | bigint,
): number | bigint {
  if (evaluator.settings.newerFeatures && BigInt.asIntN(64, exact) !== exact) {
    throw new ValueError(`integer overflow in ${DOING[operator]} ${a} ${operator} ${b}`)
  }
  return normalInt(exact)
}

const MIN_SAFE = BigInt(Number.MIN_SAFE_INTEGER)
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

const DOING = { '+': 'adding', '-': 'subtracting', '*': 'multiplying', '/': 'dividing' } as const

/** Where something is, or how long: 2.8 takes it for an `int` of C, which has 32 bits. */
export function forceIndex({ settings }: Evaluator, slot: Slot): number {
  const value = forceInt(slot)
  if (settings.newerFeatures || value === (Number(value) | 0)) return Number(value)
  return Number(BigInt.asIntN(32, BigInt(value)))
}
