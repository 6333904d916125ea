/**
 * Compiles nodes of the flat form to closures, each at the first time it runs. The closures' bodies are few and shared
 * by all Nix code, so V8 optimises them early; code that runs once costs one small object (measured against generated
 * JavaScript: 2 to 5 times faster on real package sets).
 */
import { askedAt } from './asked-at.ts'
import { EMPTY_ATTRS } from './attrs.ts'
import { compileAttrs, compileLet, compileRec } from './compile-attrs.ts'
import { compileCall } from './compile-call.ts'
import { compileConcat } from './compile-concat.ts'
import { lambdaSite } from './compile-lambda.ts'
import { compileBinary, compileNot } from './compile-operator.ts'
import { compileHasAttr, compileSelect, constantSelection } from './compile-select.ts'
import { compileWith, compileWithVariable } from './compile-with.ts'
import { valuesEqual } from './equality.ts'
import { difference } from './equality-difference.ts'
import { AssertionError, UndefinedVariableError } from './errors.ts'
import * as flat from './flat.ts'
import { wrongType } from './force.ts'
import { Lambda, type LambdaSite, PrimOp } from './function.ts'
import { resolvePath } from './path.ts'
import type { Position } from './position.ts'
import { forceThunk, type Located, makeThunk, Thunk } from './thunk.ts'
import type { Unit } from './unit.ts'
import { type Code, type Env, Float, Path, type Slot, type Value } from './value.ts'

/** The code of a node. */
export function compile(unit: Unit, node: number): Code {
  const nodes = unit.nodes
  switch (nodes[node]!) {
    case flat.LOCAL:
      return compileLocal(nodes[node + 2]!, nodes[node + 3]!)
    case flat.GLOBAL: {
      const slot = globalSlot(unit, node)
      return slot instanceof Thunk ? () => forceThunk(slot) : () => slot
    }
    case flat.WITH_VARIABLE:
      return compileWithVariable(unit, node)
    case flat.SELECT:
      return compileSelect(unit, node)
    case flat.HAS_ATTR:
      return compileHasAttr(unit, node)
    case flat.ATTRS:
      return compileAttrs(unit, node)
    case flat.REC:
      return compileRec(unit, node)
    case flat.LIST:
      return compileList(unit, node)
    case flat.LET:
      return compileLet(unit, node)
    case flat.LAMBDA:
    case flat.FORMALS: {
      const site = lambdaSite(unit, node)
      return (env) => new Lambda(site, env)
    }
    case flat.CALL:
      return compileCall(unit, node)
    case flat.WITH:
      return compileWith(unit, node)
    case flat.IF:
      return compileIf(unit, node)
    case flat.ASSERT:
      return compileAssert(unit, node)
    case flat.NOT:
      return compileNot(unit, node)
    case flat.CONCAT:
      return compileConcat(unit, node)
    case flat.POSITION: {
      const position = unit.position(node)
      return () => {
        const slot = unit.evaluator.positionValue(position)
        return slot instanceof Thunk ? forceThunk(slot) : slot
      }
    }
    case flat.INT:
    case flat.BIGINT:
    case flat.FLOAT:
    case flat.STRING:
    case flat.PATH: {
      const value = constant(unit, node)
      return () => value
    }
    default:
      return compileBinary(unit, node)
  }
}

/**
 * Code that is compiled when it first runs. What code remembers is in an object and not in a variable of the closure: V8
 * reads a variable that is assigned later by way of a cell, where a pack is started with cells for all variables.
 */
export class LateCode {
  readonly unit: Unit
  readonly node: number
  code: Code | null = null
  constructor(unit: Unit, node: number) {
    this.unit = unit
    this.node = node
  }
}

/** Of a maker as well. */
export function compileLate(late: LateCode): Code {
  const code = compile(late.unit, late.node)
  late.code = code
  return code
}

/** Where a name was in the sets of one shape, which share their keys: the identity of the array is the cache's key. */
export class FoundKey {
  keys: readonly number[] | null = null
  index = 0
}

/**
 * How to make "a value, or a thunk for it" of an expression: a description and not a closure, because `makeSlot` on
 * one class is what V8 inlines.
 */
export class Maker implements Located {
  readonly kind: number
  readonly depth: number
  readonly slot: number
  readonly value: Slot | LambdaSite | null
  readonly unit: Unit
  readonly node: number
  code: Code | null = null
  constructor(unit: Unit, node: number, kind: number, depth: number, slot: number, value: Slot | LambdaSite | null) {
    this.unit = unit
    this.node = node
    this.kind = kind
    this.depth = depth
    this.slot = slot
    this.value = value
  }

  position(): Position | undefined {
    return this.unit.position(this.node)
  }

  askedAt(env: Env): Position | undefined {
    const at = askedAt(this.unit.nodes, this.node, env)
    return at < 0 ? this.position() : this.unit.at(at)
  }
}

export function maker(unit: Unit, node: number): Maker {
  const nodes = unit.nodes
  switch (nodes[node]!) {
    case flat.LOCAL: {
      const depth = nodes[node + 2]!
      return new Maker(unit, node, depth < 2 ? depth : MAKE_LOCAL, depth, nodes[node + 3]!, null)
    }
    case flat.INT:
    case flat.BIGINT:
    case flat.FLOAT:
    case flat.STRING:
    case flat.PATH:
      return new Maker(unit, node, MAKE_CONSTANT, 0, 0, constant(unit, node))
    case flat.GLOBAL:
      return new Maker(unit, node, MAKE_CONSTANT, 0, 0, globalSlot(unit, node))
    case flat.LAMBDA:
    case flat.FORMALS:
      return new Maker(unit, node, MAKE_LAMBDA, 0, 0, lambdaSite(unit, node))
    case flat.LIST:
      if (nodes[node + 2] === 0) return new Maker(unit, node, MAKE_CONSTANT, 0, 0, EMPTY_LIST)
      break
    case flat.ATTRS:
      if (nodes[node + 2] === 0 && nodes[node + 3] === 0) {
        return new Maker(unit, node, MAKE_CONSTANT, 0, 0, EMPTY_ATTRS)
      }
      break
    case flat.SELECT: {
      const value = constantSelection(unit, node)
      // Printing shows what else it is as not evaluated, as Nix does.
      if (value instanceof PrimOp) return new Maker(unit, node, MAKE_CONSTANT, 0, 0, value)
    }
  }
  return new Maker(unit, node, MAKE_THUNK, 0, 0, null)
}

export function makers(unit: Unit, first: number, count: number, step = 1): Maker[] {
  const result: Maker[] = new Array(count)
  for (let i = 0; i < count; i++) result[i] = maker(unit, unit.nodes[first + i * step]!)
  return result
}

export function makeSlot(m: Maker, env: Env): Slot {
  let e = env
  switch (m.kind) {
    case MAKE_LOCAL_0:
      break
    case MAKE_LOCAL_1:
      e = e[0] as Env
      break
    case MAKE_LOCAL:
      for (let depth = m.depth; depth > 0; depth--) e = e[0] as Env
      break
    case MAKE_CONSTANT:
      return m.value as Slot
    case MAKE_LAMBDA:
      return new Lambda(m.value as LambdaSite, env)
    default:
      return makeThunk(runMaker, env, m)
  }
  const slot = e[m.slot] as Slot | undefined
  // A slot of a `rec` or `let` that is being filled right now may come later in it.
  return slot === undefined ? makeThunk(runMaker, env, m) : slot
}

/** The value of a literal. */
export function constant(unit: Unit, node: number): Value {
  const word = unit.nodes[node + 1]!
  switch (unit.nodes[node]!) {
    case flat.INT:
      return word
    case flat.BIGINT: {
      const value = BigInt(unit.string(word))
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : value
    }
    case flat.FLOAT:
      return new Float(Number(unit.string(word)))
    case flat.PATH: {
      const home = (): string => unit.evaluator.io.getEnvironment('HOME')
      return new Path(resolvePath(unit.string(word), { directory: unit.directory, home }))
    }
    default:
      return unit.string(word)
  }
}

/** What a name outside of all scopes stands for. */
export function globalSlot(unit: Unit, node: number): Slot {
  const name = unit.string(unit.nodes[node + 2]!)
  const slot = unit.globals.get(name)
  if (slot === undefined) throw new UndefinedVariableError(name, unit.position(node))
  return slot
}

/** The value of a condition, or an error at the node. */
export function notBoolean(unit: Unit, node: number, value: Value): never {
  throw wrongType(value, 'a Boolean', unit.position(node))
}

const MAKE_LOCAL_0 = 0
const MAKE_LOCAL_1 = 1
const MAKE_LOCAL = 2
const MAKE_CONSTANT = 3
const MAKE_LAMBDA = 4
const MAKE_THUNK = 5

const EMPTY_LIST: readonly Slot[] = []

function runMaker(env: Env, m: Maker): Value {
  return (m.code ?? compileLate(m))(env)
}

function compileLocal(depth: number, slot: number): Code {
  switch (depth) {
    case 0:
      return (env) => {
        const v = env[slot] as Slot
        return v instanceof Thunk ? forceThunk(v) : v
      }
    case 1:
      return (env) => {
        const v = env[0]![slot] as Slot
        return v instanceof Thunk ? forceThunk(v) : v
      }
    case 2:
      return (env) => {
        const v = env[0]![0]![slot] as Slot
        return v instanceof Thunk ? forceThunk(v) : v
      }
    case 3:
      return (env) => {
        const v = env[0]![0]![0]![slot] as Slot
        return v instanceof Thunk ? forceThunk(v) : v
      }
    default:
      return (env) => {
        let e = env
        for (let d = depth; d > 0; d--) e = e[0] as Env
        const v = e[slot] as Slot
        return v instanceof Thunk ? forceThunk(v) : v
      }
  }
}

function compileList(unit: Unit, node: number): Code {
  const count = unit.nodes[node + 2]!
  if (count === 0) return () => EMPTY_LIST
  const items = makers(unit, node + 3, count)
  if (count === 1) {
    const only = items[0]!
    return (env) => [makeSlot(only, env)]
  }
  if (count === 2) {
    const first = items[0]!
    const second = items[1]!
    return (env) => [makeSlot(first, env), makeSlot(second, env)]
  }
  return (env) => {
    // An array that grows by `push` keeps room for 17 items.
    const list: Slot[] = new Array(count)
    for (let i = 0; i < count; i++) list[i] = makeSlot(items[i]!, env)
    return list
  }
}

function compileIf(unit: Unit, node: number): Code {
  const nodes = unit.nodes
  const condition = compile(unit, nodes[node + 2]!)
  const consequent = new LateCode(unit, nodes[node + 3]!)
  const alternative = new LateCode(unit, nodes[node + 4]!)
  return (env) => {
    const value = condition(env)
    if (value === true) return (consequent.code ?? compileLate(consequent))(env)
    if (value !== false) return notBoolean(unit, node, value)
    return (alternative.code ?? compileLate(alternative))(env)
  }
}

function compileAssert(unit: Unit, node: number): Code {
  const { nodes } = unit
  if (nodes[nodes[node + 2]!] === flat.EQUAL && unit.evaluator.settings.newerFeatures)
    return compileAssertEqual(unit, node)
  const condition = compile(unit, nodes[node + 2]!)
  const body = compile(unit, nodes[node + 3]!)
  return (env) => {
    const value = condition(env)
    if (value === true) return body(env)
    if (value !== false) return notBoolean(unit, node, value)
    throw failedAssertion(unit, node)
  }
}

/** `assert a == b`, which today tells how the two differ. */
function compileAssertEqual(unit: Unit, node: number): Code {
  const { nodes } = unit
  const equality = nodes[node + 2]!
  const left = compile(unit, nodes[equality + 2]!)
  const right = compile(unit, nodes[equality + 3]!)
  const body = compile(unit, nodes[node + 3]!)
  return (env) => {
    const a = left(env)
    const b = right(env)
    if (valuesEqual(a, b)) return body(env)
    const found = difference(a, b, unit.position(equality))
    if (found === undefined) throw failedAssertion(unit, node)
    const hint = found.path === '' ? undefined : `the two sides differ at ${found.path}`
    const error = new AssertionError(found.message, unit.position(node), hint)
    for (const { message, position } of found.frames) error.addFrame(message, position)
    const condition = unit.string(nodes[node + 4]!)
    error.addFrame(`while evaluating the condition of the assertion '${condition}'`, unit.position(node))
    throw error
  }
}

function failedAssertion(unit: Unit, node: number): AssertionError {
  return new AssertionError(`assertion '${unit.string(unit.nodes[node + 4]!)}' failed`, unit.position(node))
}
