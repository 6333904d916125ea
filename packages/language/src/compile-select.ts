import { attributePosition } from './attribute-position.ts'
import { findKey } from './attrs.ts'
import { compile, compileLate, FoundKey, LateCode } from './compile.ts'
import { EvaluationError, ValueError } from './errors.ts'
import * as flat from './flat.ts'
import { forceStringNoContext, wrongType } from './force.ts'
import type { Position } from './position.ts'
import { suggest } from './suggestion.ts'
import { intern, symbolText } from './symbols.ts'
import { formatName } from './syntax-printer.ts'
import { forceAt, forceThunk, Thunk } from './thunk.ts'
import type { Unit } from './unit.ts'
import { Attrs, type Code, type Env, type Slot, type Value } from './value.ts'

export function compileSelect(unit: Unit, node: number): Code {
  const nodes = unit.nodes
  const value = constantSelection(unit, node)
  if (value !== undefined) return value instanceof Thunk ? () => forceThunk(value) : () => value
  const subject = compile(unit, nodes[node + 2]!)
  const count = nodes[node + 4]!
  const part = nodes[node + 5]!
  if (nodes[node + 3]! >= 0) return compileSelectOr(unit, node, subject)
  if (count === 1 && part >= 0) return compileSelectOne(unit, node, subject, unit.symbol(part))
  const steps = compilePath(unit, node + 5, count)
  return (env) => {
    let value = subject(env)
    for (let i = 0; i < count; i++) {
      const symbol = stepSymbol(unit, node, steps, i, env)
      if (!(value instanceof Attrs)) return notSet(unit, node, value)
      const index = findKey(value.keys, symbol)
      if (index < 0) return missing(unit, node, value, symbol)
      const slot = value.slots[index]!
      if (slot instanceof Thunk)
        value = unit.trace ? forceTraced(unit, node, slot, value, symbol, env) : forceThunk(slot)
      else value = slot
    }
    return value
  }
}

export function compileHasAttr(unit: Unit, node: number): Code {
  const subject = compile(unit, unit.nodes[node + 2]!)
  const count = unit.nodes[node + 3]!
  const steps = compilePath(unit, node + 4, count)
  return (env) => {
    let value = subject(env)
    for (let i = 0; i < count; i++) {
      const symbol = stepSymbol(unit, node, steps, i, env)
      if (!(value instanceof Attrs)) return false
      const index = findKey(value.keys, symbol)
      if (index < 0) return false
      if (i === count - 1) return true
      const slot = value.slots[index]!
      value = slot instanceof Thunk ? forceThunk(slot) : slot
    }
    return true
  }
}

/** The slot of `builtins.name` when nothing shadows `builtins`; undefined for everything else. */
export function constantSelection(unit: Unit, node: number): Slot | undefined {
  const nodes = unit.nodes
  const subject = nodes[node + 2]!
  const part = nodes[node + 5]!
  if (nodes[subject] !== flat.GLOBAL || nodes[node + 4] !== 1 || part < 0) return undefined
  if (unit.string(nodes[subject + 2]!) !== 'builtins') return undefined
  const builtins = unit.evaluator.builtins
  const index = findKey(builtins.keys, unit.symbol(part))
  return index < 0 ? undefined : builtins.slots[index]
}

function compileSelectOne(unit: Unit, node: number, subject: Code, symbol: number): Code {
  const found = new FoundKey()
  const trace = unit.trace
  return (env) => {
    const attrs = subject(env)
    if (!(attrs instanceof Attrs)) return notSet(unit, node, attrs)
    let index = found.index
    if (attrs.keys !== found.keys) {
      index = findKey(attrs.keys, symbol)
      if (index < 0) return missing(unit, node, attrs, symbol)
      found.keys = attrs.keys
      found.index = index
    }
    const slot = attrs.slots[index]!
    if (!(slot instanceof Thunk)) return slot
    return trace ? forceTraced(unit, node, slot, attrs, symbol, env) : forceAt(attrs.slots, index)
  }
}

function compileSelectOr(unit: Unit, node: number, subject: Code): Code {
  const count = unit.nodes[node + 4]!
  const steps = compilePath(unit, node + 5, count)
  const fallback = new LateCode(unit, unit.nodes[node + 3]!)
  return (env) => {
    let value = subject(env)
    for (let i = 0; i < count; i++) {
      const symbol = stepSymbol(unit, node, steps, i, env)
      const index = value instanceof Attrs ? findKey(value.keys, symbol) : -1
      if (index < 0) return (fallback.code ?? compileLate(fallback))(env)
      const attrs = value as Attrs
      const slot = attrs.slots[index]!
      if (slot instanceof Thunk)
        value = unit.trace ? forceTraced(unit, node, slot, attrs, symbol, env) : forceThunk(slot)
      else value = slot
    }
    return value
  }
}

/** Symbols of the static names, code of the others. */
type Step = number | Code

function compilePath(unit: Unit, first: number, count: number): Step[] {
  const steps: Step[] = new Array(count)
  for (let i = 0; i < count; i++) {
    const part = unit.nodes[first + i]!
    steps[i] = part >= 0 ? unit.symbol(part) : compile(unit, ~part)
  }
  return steps
}

function stepSymbol(unit: Unit, node: number, steps: readonly Step[], i: number, env: Env): number {
  const step = steps[i]!
  if (typeof step === 'number') return step
  try {
    const name = forceStringNoContext(step(env))
    return intern(name)
  } catch (error) {
    throw unit.located(error, node)
  }
}

function notSet(unit: Unit, node: number, value: Value): never {
  throw wrongType(value, 'a set', unit.position(node))
}

function missing(unit: Unit, node: number, attrs: Attrs, symbol: number): never {
  const name = symbolText(symbol)
  const names = attrs.keys.map(symbolText)
  throw new ValueError(`attribute '${name}' missing`, unit.position(node), suggest(name, names))
}

function forceTraced(unit: Unit, node: number, thunk: Thunk, attrs: Attrs, symbol: number, env: Env): Value {
  try {
    return forceThunk(thunk)
  } catch (error) {
    if (error instanceof EvaluationError) {
      const position: Position | undefined = attributePosition(attrs, symbol)
      if (position !== undefined)
        error.addFrame(`while evaluating the attribute '${pathText(unit, node, env)}'`, position)
    }
    throw error
  }
}

function pathText(unit: Unit, node: number, env: Env): string {
  const parts: string[] = []
  for (let i = 0; i < unit.nodes[node + 4]!; i++) {
    const part = unit.nodes[node + 5 + i]!
    if (part >= 0) parts.push(formatName(unit.string(part)))
    else {
      try {
        parts.push(formatName(forceStringNoContext(compile(unit, ~part)(env))))
      } catch {
        parts.push('"${...}"')
      }
    }
  }
  return parts.join('.')
}
