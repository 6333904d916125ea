import { symbolText } from './symbols.ts'
import { Attrs, type Slot } from './value.ts'

/** Index of a symbol in a sorted key array, or -1. */
export function findKey(keys: readonly number[], symbol: number): number {
  let low = 0
  let high = keys.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const key = keys[middle]!
    if (key < symbol) low = middle + 1
    else if (key > symbol) high = middle - 1
    else return middle
  }
  return -1
}

/** Index of an attribute, or -1. */
export function findAttribute(attrs: Attrs, symbol: number): number {
  return findKey(attrs.keys, symbol)
}

/** The slot of an attribute, or undefined. */
export function getAttribute(attrs: Attrs, symbol: number): Slot | undefined {
  const i = findKey(attrs.keys, symbol)
  return i < 0 ? undefined : attrs.slots[i]
}

/**
 * The order of a set's attributes by name (bytewise), as indices into its keys. Cached per key array, which sets of the
 * same shape share.
 */
export function nameOrder(attrs: Attrs): readonly number[] {
  const keys = attrs.keys
  const known = nameOrders.get(keys)
  if (known !== undefined) return known
  const order: number[] = new Array(keys.length)
  const names: string[] = new Array(keys.length)
  for (let i = 0; i < keys.length; i++) {
    order[i] = i
    names[i] = symbolText(keys[i]!)
  }
  order.sort((a, b) => (names[a]! < names[b]! ? -1 : 1))
  nameOrders.set(keys, order)
  return order
}

/** A set from unsorted pairs; of equal symbols the first wins (`listToAttrs`), or the last when `lastWins`. */
export function attrsFromEntries(symbols: readonly number[], slots: readonly Slot[], lastWins = false): Attrs {
  const count = symbols.length
  let sorted = true
  for (let i = 1; i < count; i++) {
    if (symbols[i - 1]! >= symbols[i]!) {
      sorted = false
      break
    }
  }
  if (sorted) return new Attrs(symbols, slots)
  const order: number[] = new Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  order.sort((a, b) => symbols[a]! - symbols[b]! || (lastWins ? b - a : a - b))
  const keys: number[] = []
  const values: Slot[] = []
  for (let i = 0; i < count; i++) {
    const at = order[i]!
    const symbol = symbols[at]!
    if (keys.length > 0 && keys[keys.length - 1] === symbol) continue
    keys.push(symbol)
    values.push(slots[at]!)
  }
  return new Attrs(keys, values)
}

export const EMPTY_ATTRS = new Attrs([], [])

const nameOrders = new WeakMap<readonly number[], readonly number[]>()
