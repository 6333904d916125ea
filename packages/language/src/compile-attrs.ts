import { attributePosition } from './attribute-position.ts'
import { attrsFromEntries, EMPTY_ATTRS, findKey } from './attrs.ts'
import { compile, type Maker, makers, makeSlot } from './compile.ts'
import { ValueError } from './errors.ts'
import { forceAttrs, forceStringNoContext } from './force.ts'
import { formatPosition } from './position.ts'
import { intern, symbolText } from './symbols.ts'
import { tracker } from './thunk.ts'
import type { Unit } from './unit.ts'
import { type AttrPositions, Attrs, type Code, type Env, type Slot } from './value.ts'

/** `{ … }`. */
export function compileAttrs(unit: Unit, node: number): Code {
  const count = unit.nodes[node + 2]!
  const dynamic = unit.nodes[node + 3]!
  if (count === 0 && dynamic === 0) return () => EMPTY_ATTRS
  const shape = literalShape(unit, node + 4, count)
  const { keys, positions } = shape
  const items = shape.order.map((i) => makerAt(unit, node + 4, i))
  const build = (env: Env): Attrs => {
    if (tracker !== undefined) return new Attrs(keys, slotsInSourceOrder(shape.order, items, env), positions)
    // An array that grows by `push` keeps room for 17 items.
    const slots: Slot[] = new Array(count)
    for (let i = 0; i < count; i++) slots[i] = makeSlot(items[i]!, env)
    return new Attrs(keys, slots, positions)
  }
  if (dynamic > 0) {
    const entries = compileDynamic(unit, node + 4 + 3 * count, dynamic)
    return (env) => addDynamic(unit, build(env), entries, env)
  }
  if (items.length === 1) {
    const only = items[0]!
    return (env) => new Attrs(keys, [makeSlot(only, env)], positions)
  }
  return build
}

/** The numbers of symbols, by which the keys are sorted, may be others in the next run: see `tracking.ts`. */
function slotsInSourceOrder(order: readonly number[], items: readonly Maker[], env: Env): Slot[] {
  const slots: Slot[] = new Array(items.length)
  const indices: number[] = new Array(items.length)
  for (let i = 0; i < order.length; i++) indices[order[i]!] = i
  for (const i of indices) slots[i] = makeSlot(items[i]!, env)
  return slots
}

/** `rec { … }`. */
export function compileRec(unit: Unit, node: number): Code {
  const count = unit.nodes[node + 2]!
  const dynamic = unit.nodes[node + 3]!
  const { keys, order, positions } = literalShape(unit, node + 4, count)
  const items = makers(unit, node + 6, count, 3)
  const overrides = findKey(keys, OVERRIDES)
  const entries = dynamic > 0 ? compileDynamic(unit, node + 4 + 3 * count, dynamic) : undefined
  return (outer) => {
    const env = newEnv(outer, items)
    const slots: Slot[] = new Array(count)
    for (let i = 0; i < count; i++) slots[i] = env[order[i]! + 1] as Slot
    let attrs = new Attrs(keys, slots, positions)
    if (overrides >= 0) {
      // The thunks made above get to see values of which they do not know what these depend on.
      if (tracker !== undefined) tracker.isIncomplete = true
      attrs = override(attrs, forceAttrs(slots[overrides]!), order, env)
    }
    return entries === undefined ? attrs : addDynamic(unit, attrs, entries, env)
  }
}

export function compileLet(unit: Unit, node: number): Code {
  const items = makers(unit, node + 6, unit.nodes[node + 3]!, 3)
  const body = compile(unit, unit.nodes[node + 2]!)
  if (items.length === 1) {
    const only = items[0]!
    return (outer) => {
      const env: Env = [outer, undefined]
      env[1] = makeSlot(only, env)
      return body(env)
    }
  }
  return (outer) => body(newEnv(outer, items))
}

const OVERRIDES = intern('__overrides')

function newEnv(outer: Env, items: readonly Maker[]): Env {
  const env = new Array(items.length + 1) as unknown as Env
  env[0] = outer
  for (let i = 0; i < items.length; i++) env[i + 1] = undefined
  for (let i = 0; i < items.length; i++) env[i + 1] = makeSlot(items[i]!, env)
  return env
}

interface Shape {
  readonly keys: readonly number[]
  /** Which binding of the source each key is. */
  readonly order: readonly number[]
  readonly positions: AttrPositions
}

/** What all sets made by one literal share. */
function literalShape(unit: Unit, first: number, count: number): Shape {
  const nodes = unit.nodes
  const symbols: number[] = new Array(count)
  const order: number[] = new Array(count)
  let sorted = true
  for (let i = 0; i < count; i++) {
    symbols[i] = unit.symbol(nodes[first + 3 * i]!)
    order[i] = i
    if (i > 0 && symbols[i]! < symbols[i - 1]!) sorted = false
  }
  if (!sorted) order.sort((a, b) => symbols[a]! - symbols[b]!)
  const keys: number[] = new Array(count)
  const offsets: number[] = new Array(count)
  for (let i = 0; i < count; i++) {
    keys[i] = symbols[order[i]!]!
    offsets[i] = nodes[first + 3 * order[i]! + 1]!
  }
  return { keys, order, positions: { kind: 'literal', file: unit.file, keys, offsets } }
}

interface DynamicEntry {
  readonly name: Code
  readonly at: number
  readonly value: Maker
}

function compileDynamic(unit: Unit, first: number, count: number): DynamicEntry[] {
  const values = makers(unit, first + 2, count, 3)
  return values.map((value, i) => ({
    name: compile(unit, unit.nodes[first + 3 * i]!),
    at: unit.nodes[first + 3 * i + 1]!,
    value,
  }))
}

function addDynamic(unit: Unit, attrs: Attrs, entries: readonly DynamicEntry[], env: Env): Attrs {
  const symbols = attrs.keys.slice()
  const slots = attrs.slots.slice()
  const offsets = new Map<number, number>()
  for (const { name, at, value } of entries) {
    const nameValue = name(env)
    // `${null} = …` leaves the attribute out.
    if (nameValue === null) continue
    const symbol = intern(forceStringNoContext(nameValue))
    if (symbols.includes(symbol)) {
      const offset = offsets.get(symbol)
      const earlier = offset === undefined ? attributePosition(attrs, symbol) : unit.at(offset)
      const where = earlier === undefined ? 'undefined position' : formatPosition(earlier)
      throw new ValueError(`dynamic attribute '${symbolText(symbol)}' already defined at ${where}`, unit.at(at))
    }
    symbols.push(symbol)
    slots.push(makeSlot(value, env))
    offsets.set(symbol, at)
  }
  if (offsets.size === 0) return attrs
  const sorted = attrsFromEntries(symbols, slots)
  const keys = sorted.keys
  const known = attrs.positions
  const literal = known?.kind === 'literal' ? known : undefined
  const all = keys.map((key) => {
    const offset = offsets.get(key)
    if (offset !== undefined) return offset
    const i = literal === undefined ? -1 : findKey(literal.keys, key)
    return i < 0 ? -1 : literal!.offsets[i]!
  })
  return new Attrs(keys, sorted.slots, { kind: 'literal', file: unit.file, keys, offsets: all })
}

/** `rec { __overrides = { … }; }`: its attributes replace those of the set, also for references inside of it. */
function override(attrs: Attrs, overrides: Attrs, order: readonly number[], env: Env): Attrs {
  const symbols = attrs.keys.slice()
  const slots = attrs.slots.slice()
  for (let j = 0; j < overrides.keys.length; j++) {
    const symbol = overrides.keys[j]!
    const slot = overrides.slots[j]!
    const i = findKey(attrs.keys, symbol)
    if (i >= 0) {
      slots[i] = slot
      env[order[i]! + 1] = slot
    } else {
      symbols.push(symbol)
      slots.push(slot)
    }
  }
  const sorted = attrsFromEntries(symbols, slots)
  return new Attrs(sorted.keys, sorted.slots, {
    kind: 'updated',
    rightKeys: overrides.keys,
    right: overrides.positions,
    left: attrs.positions,
    depth: 1,
  })
}

function makerAt(unit: Unit, first: number, i: number): Maker {
  return makers(unit, first + 3 * i + 2, 1)[0]!
}
