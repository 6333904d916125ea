import { attributePosition } from '../attribute-position.ts'
import {
  attrsFromEntries,
  EMPTY_ATTRS,
  findAttribute,
  findKey,
  getAttribute,
  nameOrder,
  orderKeys,
  selectSlots,
  sharedKeys,
} from '../attrs.ts'
import { locatedAt, ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceFunction, forceList, forceStringNoContext } from '../force.ts'
import { type Builtin, callFunction2 } from '../function.ts'
import { printName } from '../print-value.ts'
import { findSymbol, intern, symbolText } from '../symbols.ts'
import { force, makeThunk, runApply, tracker } from '../thunk.ts'
import { type AttrPositions, Attrs, type Slot, type Value } from '../value.ts'

/** Attribute sets. Everything that lists names does so in byte order. */
export const attributeSetBuiltins: readonly Builtin[] = [
  {
    name: '__attrNames',
    arity: 1,
    code: (_, slot) => {
      const attrs = forceAttrs(slot)
      const order = nameOrder(attrs)
      const names: Slot[] = new Array(order.length)
      for (let i = 0; i < order.length; i++) names[i] = symbolText(attrs.keys[order[i]!]!)
      return names
    },
  },
  {
    name: '__attrValues',
    arity: 1,
    code: (_, slot) => {
      const attrs = forceAttrs(slot)
      const order = nameOrder(attrs)
      const values: Slot[] = new Array(order.length)
      for (let i = 0; i < order.length; i++) values[i] = attrs.slots[order[i]!]!
      return values
    },
  },
  {
    name: '__getAttr',
    arity: 2,
    code: (_, nameSlot, slot) => {
      const name = forceStringNoContext(nameSlot)
      const found = getByName(forceAttrs(slot), name)
      if (found === undefined)
        throw new ValueError(`attribute '${printName(name)}' missing for call to 'getAttr'`).inToday(
          () => `attribute '${name}' missing`,
        )
      return force(found)
    },
  },
  {
    name: '__hasAttr',
    arity: 2,
    code: (_, nameSlot, slot) => {
      const name = forceStringNoContext(nameSlot)
      return getByName(forceAttrs(slot), name) !== undefined
    },
  },
  { name: 'removeAttrs', arity: 2, code: removeAttrs },
  {
    name: '__listToAttrs',
    arity: 1,
    code: (_, slot) => listToAttrs(undefined, forceList(slot)),
    ofApplied: (_, fn, items) => listToAttrs(fn, items),
  },
  {
    name: '__intersectAttrs',
    arity: 2,
    code: (_, left, right) => intersectAttrs(forceAttrs(left), forceAttrs(right)),
  },
  { name: '__catAttrs', arity: 2, code: catAttrs },
  { name: '__mapAttrs', arity: 2, code: mapAttrs },
  { name: '__zipAttrsWith', arity: 2, code: zipAttrsWith },
]

const NAME = intern('name')
const VALUE = intern('value')

function getByName(attrs: Attrs, name: string): Slot | undefined {
  const symbol = findSymbol(name)
  return symbol === undefined ? undefined : getAttribute(attrs, symbol)
}

function removeAttrs(_: Evaluator, slot: Slot, namesSlot: Slot): Value {
  const attrs = forceAttrs(slot)
  const names = forceList(namesSlot)
  const drop: number[] = []
  for (let i = 0; i < names.length; i++) {
    const name = forceStringNoContext(names[i]!)
    const symbol = findSymbol(name)
    const at = symbol === undefined ? -1 : findAttribute(attrs, symbol)
    if (at >= 0) drop.push(at)
  }
  if (drop.length === 0) return attrs
  drop.sort((a, b) => a - b)
  const keys: number[] = []
  const slots: Slot[] = []
  let d = 0
  for (let i = 0; i < attrs.keys.length; i++) {
    while (d < drop.length && drop[d]! < i) d++
    if (drop[d] === i) continue
    keys.push(attrs.keys[i]!)
    slots.push(attrs.slots[i]!)
  }
  return new Attrs(sharedKeys(keys), slots, attrs.positions)
}

/** Of the list, or of what the function gives for its items. */
/** Of the wrong type, it is where it was written. */
function forceName(pair: Attrs, slot: Slot): string {
  try {
    return forceStringNoContext(slot)
  } catch (error) {
    throw locatedAt(error, attributePosition(pair, NAME))
  }
}

function listToAttrs(fn: Slot | undefined, list: readonly Slot[]): Value {
  const symbols: number[] = new Array(list.length)
  const slots: Slot[] = new Array(list.length)
  const elements: (AttrPositions | undefined)[] = new Array(list.length)
  // Mostly one literal makes them all.
  let keys: readonly number[] | undefined
  let nameAt = -1
  let valueAt = -1
  for (let i = 0; i < list.length; i++) {
    const pair = forceAttrs(fn === undefined ? list[i]! : runApply(fn, list[i]!))
    if (pair.keys !== keys) {
      keys = pair.keys
      nameAt = findKey(keys, NAME)
      valueAt = findKey(keys, VALUE)
    }
    const nameSlot = pair.slots[nameAt]
    if (nameSlot === undefined)
      throw new ValueError("attribute 'name' missing for call to 'listToAttrs'").inToday(
        () => "attribute 'name' missing",
      )
    const symbol = intern(typeof nameSlot === 'string' ? nameSlot : forceName(pair, nameSlot))
    const value = pair.slots[valueAt]
    if (value === undefined)
      throw new ValueError("attribute 'value' missing for call to 'listToAttrs'").inToday(
        () => "attribute 'value' missing",
      )
    symbols[i] = symbol
    slots[i] = value
    elements[i] = pair.positions
  }
  const order = orderKeys(symbols, false)
  return new Attrs(order.keys, selectSlots(order, slots), {
    kind: 'listed',
    keys: order.keys,
    symbol: VALUE,
    elements: order.sources?.map((source) => elements[source]) ?? elements,
  })
}

function intersectAttrs(left: Attrs, right: Attrs): Value {
  const keys: number[] = []
  const slots: Slot[] = []
  const a = left.keys
  const b = right.keys
  if (a.length * 8 < b.length) {
    for (let i = 0; i < a.length; i++) {
      const at = findKey(b, a[i]!)
      if (at < 0) continue
      keys.push(a[i]!)
      slots.push(right.slots[at]!)
    }
  } else {
    for (let i = 0, j = 0; i < a.length && j < b.length; ) {
      const order = a[i]! - b[j]!
      if (order === 0) {
        keys.push(b[j]!)
        slots.push(right.slots[j]!)
        i++
        j++
      } else if (order < 0) i++
      else j++
    }
  }
  if (keys.length === b.length) return right
  return new Attrs(sharedKeys(keys), slots, right.positions)
}

function catAttrs(_: Evaluator, nameSlot: Slot, listSlot: Slot): Value {
  const symbol = intern(forceStringNoContext(nameSlot))
  const list = forceList(listSlot)
  const result: Slot[] = []
  for (let i = 0; i < list.length; i++) {
    const found = getAttribute(forceAttrs(list[i]!), symbol)
    if (found !== undefined) result.push(found)
  }
  return result
}

function mapAttrs(_: Evaluator, fn: Slot, slot: Slot): Value {
  const attrs = forceAttrs(slot)
  const { keys, slots } = attrs
  if (keys.length === 0) return EMPTY_ATTRS
  const mapped: Slot[] = new Array(keys.length)
  // Thunks whose names count are made in an order that is the same in each run.
  const order = tracker === undefined ? undefined : nameOrder(attrs)
  for (let n = 0; n < keys.length; n++) {
    const i = order === undefined ? n : order[n]!
    mapped[i] = makeThunk(runMapped, fn, { symbol: keys[i]!, slot: slots[i]! } satisfies MappedItem)
  }
  return new Attrs(keys, mapped)
}

interface MappedItem {
  readonly symbol: number
  readonly slot: Slot
}

function runMapped(fn: Slot, item: MappedItem): Value {
  return callFunction2(fn, symbolText(item.symbol), item.slot)
}

function zipAttrsWith(_: Evaluator, fn: Slot, listSlot: Slot): Value {
  forceFunction(fn)
  const list = forceList(listSlot)
  const groups = new Map<number, Slot[]>()
  for (let i = 0; i < list.length; i++) {
    const { keys, slots } = forceAttrs(list[i]!)
    for (let j = 0; j < keys.length; j++) {
      const group = groups.get(keys[j]!)
      if (group === undefined) groups.set(keys[j]!, [slots[j]!])
      else group.push(slots[j]!)
    }
  }
  const symbols = [...groups.keys()]
  if (tracker !== undefined) symbols.sort((a, b) => (symbolText(a) < symbolText(b) ? -1 : 1))
  const values = symbols.map((symbol) =>
    makeThunk(runMapped, fn, { symbol, slot: groups.get(symbol)! } satisfies MappedItem),
  )
  return attrsFromEntries(symbols, values)
}
