import { attrsFromEntries } from '../attrs.ts'
import { lessThan, valuesEqual } from '../equality.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceBool, forceFunction, forceInt, forceList, forceStringNoContext, wrongType } from '../force.ts'
import { type Builtin, callFunction, callFunction2, functionPosition, PrimOp } from '../function.ts'
import { forceIndex } from '../integer.ts'
import { intern } from '../symbols.ts'
import { applyThunk, force, forceThunk, Thunk } from '../thunk.ts'
import type { Slot, Value } from '../value.ts'
import { genericClosure } from './generic-closure.ts'

/** Lists, and what makes sets out of them by calling a function on each item. */
export const listBuiltins: readonly Builtin[] = [
  { name: '__head', arity: 1, code: (_, list) => itemAt(forceList(list), 0, 'head') },
  {
    name: '__tail',
    arity: 1,
    code: (_, slot) => {
      const list = forceList(slot)
      if (list.length === 0)
        throw new ValueError("'tail' called on an empty list").inToday(() => "'builtins.tail' called on an empty list")
      return list.slice(1)
    },
  },
  {
    name: '__elemAt',
    arity: 2,
    code: (evaluator, list, index) => {
      const at = forceIndex(evaluator, index)
      return itemAt(forceList(list), at, 'elemAt')
    },
  },
  { name: '__length', arity: 1, code: (_, list) => forceList(list).length },
  { name: 'map', arity: 2, code: map, items: mapItems },
  { name: '__filter', arity: 2, code: filter },
  {
    name: '__elem',
    arity: 2,
    code: (_, wanted, slot) => {
      const list = forceList(slot)
      for (let i = 0; i < list.length; i++) if (valuesEqual(wanted, list[i]!)) return true
      return false
    },
  },
  { name: '__concatLists', arity: 1, code: (_, lists) => concatLists(forceList(lists)) },
  { name: '__concatMap', arity: 2, code: concatMap },
  { name: "__foldl'", arity: 3, code: foldl },
  {
    name: '__any',
    arity: 2,
    code: (_, fn, slot) => {
      forceFunction(fn)
      const list = forceList(slot)
      for (let i = 0; i < list.length; i++) if (forceBool(callFunction(fn, list[i]!))) return true
      return false
    },
  },
  {
    name: '__all',
    arity: 2,
    code: (_, fn, slot) => {
      forceFunction(fn)
      const list = forceList(slot)
      for (let i = 0; i < list.length; i++) if (!forceBool(callFunction(fn, list[i]!))) return false
      return true
    },
  },
  { name: '__genList', arity: 2, code: genList, items: genListItems },
  { name: '__sort', arity: 2, code: sort },
  { name: '__partition', arity: 2, code: partition },
  { name: '__groupBy', arity: 2, code: groupBy },
  { name: '__genericClosure', arity: 1, code: genericClosure },
]

function itemAt(list: readonly Slot[], index: number, who: 'head' | 'elemAt'): Value {
  const slot = list[index]
  if (slot === undefined) {
    throw new ValueError(`list index ${index} is out of bounds`).inToday(() =>
      who === 'head'
        ? "'builtins.head' called on an empty list"
        : `'builtins.elemAt' called with index ${index} on a list of size ${list.length}`,
    )
  }
  return slot instanceof Thunk ? forceThunk(slot) : slot
}

function map(evaluator: Evaluator, fn: Slot, slot: Slot): Value {
  const list = mapItems(evaluator, fn, slot)
  const count = list.length
  const result: Slot[] = new Array(count)
  for (let i = 0; i < count; i++) result[i] = applyThunk(fn, list[i]!)
  return result
}

function mapItems({ settings }: Evaluator, fn: Slot, slot: Slot): readonly Slot[] {
  const list = forceList(slot)
  if (list.length > 0 && settings.newerFeatures) forceFunction(fn)
  return list
}

function filter({ settings }: Evaluator, fn: Slot, slot: Slot): Value {
  // Today the list comes first, and the function of an empty one is not looked at.
  if (!settings.newerFeatures) forceFunction(fn)
  const list = forceList(slot)
  if (list.length > 0) forceFunction(fn)
  const result: Slot[] = []
  for (let i = 0; i < list.length; i++) if (forceBool(callFunction(fn, list[i]!))) result.push(list[i]!)
  return result.length === list.length ? list : result
}

function concatLists(lists: readonly Slot[]): Value {
  let count = 0
  for (let i = 0; i < lists.length; i++) count += forceList(lists[i]!).length
  const result: Slot[] = new Array(count)
  let at = 0
  for (let i = 0; i < lists.length; i++) {
    const list = forceList(lists[i]!)
    for (let j = 0; j < list.length; j++) result[at++] = list[j]!
  }
  return result
}

function concatMap(_: Evaluator, fn: Slot, slot: Slot): Value {
  forceFunction(fn)
  const list = forceList(slot)
  const result: Slot[] = []
  for (let i = 0; i < list.length; i++) {
    const part = callFunction(fn, list[i]!)
    if (!Array.isArray(part)) throw wrongType(part, 'a list', functionPosition(force(fn)))
    for (let j = 0; j < part.length; j++) result.push(part[j]!)
  }
  return result
}

function foldl(_: Evaluator, fn: Slot, initial: Slot, slot: Slot): Value {
  forceFunction(fn)
  const list = forceList(slot)
  if (list.length === 0) return force(initial)
  let value: Slot = initial
  for (let i = 0; i < list.length; i++) value = callFunction2(fn, value, list[i]!)
  return force(value)
}

/** V8 has no longer arrays that it does not turn into tables. Nix, which has, says that it is out of memory. */
const MOST_ITEMS = 2 ** 27

function genList(evaluator: Evaluator, fn: Slot, slot: Slot): Value {
  const count = genListLength(evaluator, fn, slot)
  const result: Slot[] = new Array(count)
  for (let i = 0; i < count; i++) result[i] = applyThunk(fn, i)
  return result
}

function genListItems(evaluator: Evaluator, fn: Slot, slot: Slot): readonly Slot[] {
  const count = genListLength(evaluator, fn, slot)
  const items: number[] = new Array(count)
  for (let i = 0; i < count; i++) items[i] = i
  return items
}

function genListLength({ settings }: Evaluator, fn: Slot, slot: Slot): number {
  const count = Number(forceInt(slot))
  if (count < 0 || count > MOST_ITEMS) throw new ValueError(`cannot create list of size ${count}`)
  if (settings.newerFeatures) forceFunction(fn)
  return count
}

/** V8's sort is stable and asks only whether the comparison is below zero: one call per comparison is enough. */
function sort({ settings }: Evaluator, fnSlot: Slot, slot: Slot): Value {
  if (!settings.newerFeatures) forceFunction(fnSlot)
  const list = forceList(slot)
  if (list.length === 0) return list
  const fn = forceFunction(fnSlot)
  const values: Value[] = new Array(list.length)
  for (let i = 0; i < list.length; i++) values[i] = force(list[i]!)
  if (fn instanceof PrimOp && fn.name === 'lessThan') return sortAscending(values)
  return values.sort((a, b) => (forceBool(callFunction2(fn, a, b)) ? -1 : 0))
}

/**
 * Numbers and plain strings that are equal are the same, so any sort of them is stable and none has to call us: a third
 * of the time for 200,000 integers.
 */
function sortAscending(values: Value[]): Value[] {
  if (values.every((value) => typeof value === 'number')) {
    const numbers = values.every((value) => (value | 0) === value) ? new Int32Array(values) : new Float64Array(values)
    numbers.sort()
    for (let i = 0; i < values.length; i++) values[i] = numbers[i]!
    return values
  }
  if (values.every((value) => typeof value === 'string')) return values.sort()
  return values.sort((a, b) => (lessThan(a, b) ? -1 : 0))
}

const RIGHT_AND_WRONG = [intern('right'), intern('wrong')]

function partition(_: Evaluator, fn: Slot, slot: Slot): Value {
  forceFunction(fn)
  const list = forceList(slot)
  const right: Slot[] = []
  const wrong: Slot[] = []
  for (let i = 0; i < list.length; i++) {
    const item = list[i]!
    force(item)
    if (forceBool(callFunction(fn, item))) right.push(item)
    else wrong.push(item)
  }
  return attrsFromEntries(RIGHT_AND_WRONG, [right, wrong])
}

function groupBy(_: Evaluator, fn: Slot, slot: Slot): Value {
  forceFunction(fn)
  const list = forceList(slot)
  const groups = new Map<number, Slot[]>()
  for (let i = 0; i < list.length; i++) {
    const item = list[i]!
    const symbol = intern(forceStringNoContext(callFunction(fn, item)))
    const group = groups.get(symbol)
    if (group === undefined) groups.set(symbol, [item])
    else group.push(item)
  }
  return attrsFromEntries([...groups.keys()], [...groups.values()])
}
