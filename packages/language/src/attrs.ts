import { symbolText } from './symbols.ts'
import { type AttrPositions, Attrs, type Slot } from './value.ts'

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
  const order = orderKeys(symbols, lastWins)
  return new Attrs(order.keys, selectSlots(order, slots))
}

/** Sorted keys, and where each of them stood; undefined when they were sorted already. */
export interface KeyOrder {
  readonly keys: readonly number[]
  readonly sources: readonly number[] | undefined
}

/** Sorts symbols; of equal ones the first is kept, or the last when `lastWins`. */
export function orderKeys(symbols: readonly number[], lastWins: boolean): KeyOrder {
  const count = symbols.length
  let sorted = true
  for (let i = 1; i < count; i++) {
    if (symbols[i - 1]! >= symbols[i]!) {
      sorted = false
      break
    }
  }
  if (sorted) return { keys: sharedKeys(symbols), sources: undefined }
  const order: number[] = new Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  order.sort((a, b) => symbols[a]! - symbols[b]! || (lastWins ? b - a : a - b))
  const keys: number[] = []
  const sources: number[] = []
  for (let i = 0; i < count; i++) {
    const at = order[i]!
    const symbol = symbols[at]!
    if (keys.length > 0 && keys[keys.length - 1] === symbol) continue
    keys.push(symbol)
    sources.push(at)
  }
  return { keys: sharedKeys(keys), sources }
}

/**
 * Orders symbols as `orderKeys` does, and gives the same answer again for the same symbols as last time: sets that one
 * piece of code makes mostly have the same names, and then share their keys.
 */
export function createKeyOrdering(lastWins: boolean): (symbols: readonly number[]) => KeyOrder {
  let lastSymbols: readonly number[] = []
  let lastOrder: KeyOrder = { keys: lastSymbols, sources: undefined }
  return (symbols) => {
    if (!sameNumbers(symbols, lastSymbols)) {
      lastSymbols = symbols
      lastOrder = orderKeys(symbols, lastWins)
    }
    return lastOrder
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && startsWith(a, b)
}

function startsWith(numbers: readonly number[], start: readonly number[]): boolean {
  for (let i = 0; i < start.length; i++) if (numbers[i] !== start[i]) return false
  return true
}

export function selectSlots({ sources }: KeyOrder, slots: readonly Slot[]): readonly Slot[] {
  if (sources === undefined) return slots
  const { length } = sources
  const selected: Slot[] = new Array(length)
  for (let i = 0; i < length; i++) selected[i] = slots[sources[i]!]!
  return selected
}

/** `left // right`. Returns an argument itself when the other adds nothing. */
export function updateAttrs(left: Attrs, right: Attrs): Attrs {
  const a = left.keys
  const b = right.keys
  if (b.length === 0) return left
  if (a.length === 0) return right
  const positions = updatedPositions(left, right)
  if (a === b) return new Attrs(b, right.slots, positions)
  // Few overriding many: look each up. When all are found, the keys stay shared, which keeps the caches of selects hot.
  if (b.length * 8 < a.length || b.length === 1) {
    const slots = overridden(left, right)
    if (slots !== undefined) return new Attrs(a, slots, positions)
  }
  // Names that were new to the program come last. Copying by V8 takes a third of the time of the loop below.
  if (a[a.length - 1]! < b[0]!) return concatenated(left, right, positions)
  if (b[b.length - 1]! < a[0]!) return concatenated(right, left, positions)
  const size = a.length + b.length
  const slots: Slot[] = new Array(size)
  let i = 0
  let j = 0
  let n = 0
  while (i < a.length && j < b.length) {
    const x = a[i]!
    const y = b[j]!
    if (x < y) {
      merged[n] = x
      slots[n++] = left.slots[i++]!
    } else {
      merged[n] = y
      slots[n++] = right.slots[j++]!
      if (x === y) i++
    }
  }
  while (i < a.length) {
    merged[n] = a[i]!
    slots[n++] = left.slots[i++]!
  }
  while (j < b.length) {
    merged[n] = b[j]!
    slots[n++] = right.slots[j++]!
  }
  const keys = n === a.length ? a : n === b.length ? b : sharedKeys(merged, n)
  // What is kept has no room to spare.
  return new Attrs(keys, n < size ? slots.slice(0, n) : slots, positions)
}

/** Of two sets of which all keys of one come before those of the other. */
function concatenated(first: Attrs, last: Attrs, positions: AttrPositions | undefined): Attrs {
  const keys = first.keys.concat(last.keys)
  return new Attrs(keys.length > SHARED_LENGTH ? keys : sharedKeys(keys), first.slots.concat(last.slots), positions)
}

/** The keys of the last merge, and what is left of longer ones. */
const merged: number[] = []

/**
 * The first `length` keys as an array: one of the last that were made, if it has the same. Sets that one piece of code
 * makes mostly have the same names, and then share what is known of their keys.
 */
export function sharedKeys(keys: readonly number[], length = keys.length): readonly number[] {
  if (length > SHARED_LENGTH) return keys.slice(0, length)
  let hash = length
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ keys[i]!, 0x9e3779b1)
  const place = (hash ^ (hash >>> 15)) & (SHARED - 1)
  const known = shared[place]!
  if (known.length === length && startsWith(keys, known)) return known
  const made = keys.slice(0, length)
  shared[place] = made
  return made
}

const SHARED_LENGTH = 128
const SHARED = 8192
const shared: (readonly number[])[] = new Array(SHARED).fill([])

export const EMPTY_ATTRS = new Attrs([], [])

const nameOrders = new WeakMap<readonly number[], readonly number[]>()

/** A chain of updates in a loop must not keep all its steps alive. */
const MAX_POSITION_DEPTH = 32

function overridden(left: Attrs, right: Attrs): Slot[] | undefined {
  const indices: number[] = []
  for (let j = 0; j < right.keys.length; j++) {
    const i = findKey(left.keys, right.keys[j]!)
    if (i < 0) return undefined
    indices.push(i)
  }
  const slots = left.slots.slice()
  for (let j = 0; j < indices.length; j++) slots[indices[j]!] = right.slots[j]!
  return slots
}

function updatedPositions(left: Attrs, right: Attrs): AttrPositions | undefined {
  const x = left.positions
  const y = right.positions
  if (x === undefined && y === undefined) return undefined
  if (left.keys === right.keys) return y
  const depth = 1 + Math.max(positionDepth(x), positionDepth(y))
  if (depth > MAX_POSITION_DEPTH) return y
  return { kind: 'updated', rightKeys: right.keys, right: y, left: x, depth }
}

export function positionDepth(positions: AttrPositions | undefined): number {
  return positions !== undefined && positions.kind === 'updated' ? positions.depth : 0
}
