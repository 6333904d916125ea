import { UserError } from '@baryon/format'
import { compile, globalSlot, type Maker, makers, makeSlot } from './compile.ts'
import { constantSelection } from './compile-select.ts'
import { lessThan } from './equality.ts'
import { CallDepthError, StackOverflowError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import * as flat from './flat.ts'
import { callFunction, callFunction2, callFunctionMany, Lambda, PrimOp } from './function.ts'
import { lazy, tracker } from './thunk.ts'
import type { Unit } from './unit.ts'
import type { Code, Env, Slot, Value } from './value.ts'

export function compileCall(unit: Unit, node: number): Code {
  const nodes = unit.nodes
  const count = nodes[node + 3]!
  const target = constantTarget(unit, nodes[node + 2]!)
  if (target instanceof PrimOp && target.arity === count) {
    return compileOfApplied(unit, node, target) ?? compileBuiltin(unit, node, target)
  }
  const fn = compile(unit, nodes[node + 2]!)
  const args = makers(unit, node + 4, count)
  const first = args[0]!
  if (count === 1) {
    return (env) => {
      const f = fn(env)
      try {
        if (f instanceof Lambda && f.site.arity === 1) return (f.site.code as Code1)(f.env, makeSlot(first, env))
        return callFunction(f, makeSlot(first, env))
      } catch (error) {
        throw unit.located(error, node)
      }
    }
  }
  const second = args[1]!
  if (count === 2) {
    return (env) => {
      const f = fn(env)
      try {
        if (f instanceof Lambda && f.site.arity === 2) {
          return (f.site.code as Code2)(f.env, makeSlot(first, env), makeSlot(second, env))
        }
        return callFunction2(f, makeSlot(first, env), makeSlot(second, env))
      } catch (error) {
        throw unit.located(error, node)
      }
    }
  }
  const third = args[2]!
  return (env) => {
    const f = fn(env)
    try {
      if (count === 3 && f instanceof Lambda && f.site.arity === 3) {
        return (f.site.code as Code3)(f.env, makeSlot(first, env), makeSlot(second, env), makeSlot(third, env))
      }
      const slots: Slot[] = []
      for (let i = 0; i < count; i++) slots.push(makeSlot(args[i]!, env))
      return callFunctionMany(f, slots)
    } catch (error) {
      throw unit.located(error, node)
    }
  }
}

type Code1 = (env: Env, a: Slot) => Value
type Code2 = (env: Env, a: Slot, b: Slot) => Value
type Code3 = (env: Env, a: Slot, b: Slot, c: Slot) => Value
type PrimOp1 = (evaluator: Evaluator, a: Slot) => Value
type PrimOp2 = (evaluator: Evaluator, a: Slot, b: Slot) => Value

/**
 * Builtins that force the argument at once: it is computed directly, without a thunk. One character per argument, `!` for
 * strict. Which of several it forces first, and what it looks at in between, matters where one fails: see `inOwnOrder`.
 */
const STRICT = new Map<string, string>(
  Object.entries({
    add: '!!',
    sub: '!!',
    mul: '!!',
    div: '!!',
    lessThan: '!!',
    bitAnd: '!!',
    bitOr: '!!',
    bitXor: '!!',
    head: '!',
    tail: '!',
    length: '!',
    elemAt: '.!',
    attrNames: '!',
    attrValues: '!',
    getAttr: '!!',
    hasAttr: '!!',
    isNull: '!',
    isString: '!',
    isList: '!',
    isAttrs: '!',
    isFunction: '!',
    isBool: '!',
    isInt: '!',
    isFloat: '!',
    isPath: '!',
    typeOf: '!',
    stringLength: '!',
    substring: '!!!',
    toString: '!',
    listToAttrs: '!',
    removeAttrs: '!!',
    intersectAttrs: '!!',
    functionArgs: '!',
    seq: '!!',
    concatStringsSep: '!!',
    map: '.!',
    filter: '!!',
    all: '!!',
    any: '!!',
    mapAttrs: '.!',
    import: '!',
    getEnv: '!',
    elem: '.!',
    genericClosure: '!',
    concatLists: '!',
    catAttrs: '!!',
    baseNameOf: '!',
    dirOf: '!',
    pathExists: '!',
    compareVersions: '!!',
    unsafeDiscardStringContext: '!',
    match: '!!',
    split: '!!',
    replaceStrings: '!!!',
    fromJSON: '!',
  }),
)

function compileBuiltin(unit: Unit, node: number, target: PrimOp): Code {
  const nodes = unit.nodes
  const strict = STRICT.get(target.name) ?? ''
  const { evaluator, code } = target
  const lazyArgs = makers(unit, node + 4, target.arity)
  const call: BuiltinCall = { unit, node, target, lazyArgs }
  const argument = (i: number): Code | Maker => (strict[i] === '!' ? compile(unit, nodes[node + 4 + i]!) : lazyArgs[i]!)
  const a = argument(0)
  if (target.arity === 1) {
    if (typeof a === 'function') {
      return (env) => {
        try {
          return (code as PrimOp1)(evaluator, a(env))
        } catch (error) {
          throw unit.located(error, node)
        }
      }
    }
    return (env) => {
      try {
        return (code as PrimOp1)(evaluator, makeSlot(a, env))
      } catch (error) {
        throw unit.located(error, node)
      }
    }
  }
  const b = argument(1)
  if (target.arity === 2) {
    if (typeof a === 'function' && typeof b === 'function') {
      return compileArithmetic(call, a, b)
    }
    return (env) => {
      let x: Slot | undefined
      let y: Slot | undefined
      try {
        x = typeof a === 'function' ? a(env) : makeSlot(a, env)
        y = typeof b === 'function' ? b(env) : makeSlot(b, env)
        return (code as PrimOp2)(evaluator, x, y)
      } catch (error) {
        if (y === undefined) return inOwnOrder(call, env, known(x), error)
        throw unit.located(error, node)
      }
    }
  }
  const c = argument(2)
  return (env) => {
    let x: Slot | undefined
    let y: Slot | undefined
    let z: Slot | undefined
    try {
      x = typeof a === 'function' ? a(env) : makeSlot(a, env)
      y = typeof b === 'function' ? b(env) : makeSlot(b, env)
      z = typeof c === 'function' ? c(env) : makeSlot(c, env)
      return code(evaluator, x, y, z)
    } catch (error) {
      if (z === undefined) return inOwnOrder(call, env, known(x, y), error)
      throw unit.located(error, node)
    }
  }
}

/**
 * Calls a builtin one of whose strict arguments failed before it could be called, which may come to another error first:
 * `tryEval` catches the one and not the other. Those behind it are not computed yet.
 */
function inOwnOrder(call: BuiltinCall, env: Env, computed: readonly Slot[], error: unknown): Value {
  const { unit, node, target, lazyArgs } = call
  // Those are of this process, and not of the argument.
  if (!(error instanceof UserError) || error instanceof StackOverflowError || error instanceof CallDepthError)
    throw unit.located(error, node)
  const fail = (): never => {
    throw error
  }
  const slots = lazyArgs.map((argument, i) =>
    i < computed.length ? computed[i]! : i === computed.length ? lazy(fail) : makeSlot(argument, env),
  )
  try {
    return target.code(target.evaluator, slots[0]!, slots[1]!, slots[2]!)
  } catch (other) {
    throw unit.located(other, node)
  }
}

function known(...slots: readonly (Slot | undefined)[]): Slot[] {
  return slots.filter((slot) => slot !== undefined)
}

interface BuiltinCall {
  readonly unit: Unit
  readonly node: number
  readonly target: PrimOp
  readonly lazyArgs: readonly Maker[]
}

/**
 * `listToAttrs (map f list)`: nobody else sees that list, so neither it nor thunks for its items are made. Not where calls are
 * counted or thunks have names, which would differ.
 */
function compileOfApplied(unit: Unit, node: number, { evaluator, builtin: { ofApplied } }: PrimOp): Code | undefined {
  const { nodes } = unit
  const list = nodes[node + 4]!
  if (ofApplied === undefined || nodes[list] !== flat.CALL || nodes[list + 3] !== 2) return undefined
  const maker = constantTarget(unit, nodes[list + 2]!)
  if (!(maker instanceof PrimOp) || maker.builtin.items === undefined) return undefined
  if (tracker !== undefined || evaluator.callDepth !== undefined || unit.trace) return undefined
  const { items } = maker.builtin
  const [fn] = makers(unit, list + 4, 1)
  const source = compile(unit, nodes[list + 5]!)
  const itemsOf = (env: Env, applied: Slot): readonly Slot[] => {
    try {
      return items(evaluator, applied, source(env))
    } catch (error) {
      throw unit.located(error, list)
    }
  }
  return (env) => {
    try {
      const applied = makeSlot(fn!, env)
      return ofApplied(evaluator, applied, itemsOf(env, applied))
    } catch (error) {
      throw unit.located(error, node)
    }
  }
}

/** Two strict arguments; small integers are computed with and compared in place. */
function compileArithmetic(call: BuiltinCall, a: Code, b: Code): Code {
  const { unit, node, target } = call
  const { evaluator, name } = target
  const code = target.code as PrimOp2
  const slow = (x: Value, y: Value): Value => {
    try {
      return code(evaluator, x, y)
    } catch (error) {
      throw unit.located(error, node)
    }
  }
  switch (name) {
    case 'sub':
      return (env) => {
        const x = a(env)
        const y = b(env)
        if (typeof x === 'number' && typeof y === 'number') {
          const difference = x - y
          if (Number.isSafeInteger(difference)) return difference
        }
        return slow(x, y)
      }
    case 'mul':
      return (env) => {
        const x = a(env)
        const y = b(env)
        if (typeof x === 'number' && typeof y === 'number') {
          const product = x * y
          // `+ 0` turns -0, which `0 * -1` gives, into 0.
          if (Number.isSafeInteger(product)) return product + 0
        }
        return slow(x, y)
      }
    case 'div':
      return (env) => {
        const x = a(env)
        const y = b(env)
        if (typeof x === 'number' && typeof y === 'number' && y !== 0) return Math.trunc(x / y) + 0
        return slow(x, y)
      }
    case 'lessThan':
      return (env) => {
        const x = a(env)
        const y = b(env)
        if (typeof x === 'number' && typeof y === 'number') return x < y
        // Nix gives a comparison no position.
        return lessThan(x, y)
      }
  }
  return (env) => {
    let x: Value | undefined
    let y: Value | undefined
    try {
      x = a(env)
      y = b(env)
      return code(evaluator, x, y)
    } catch (error) {
      if (y === undefined) return inOwnOrder(call, env, known(x), error)
      throw unit.located(error, node)
    }
  }
}

/** The callee when it is known before anything runs. */
function constantTarget(unit: Unit, node: number): Slot | undefined {
  switch (unit.nodes[node]!) {
    case flat.GLOBAL:
      return globalSlot(unit, node)
    case flat.SELECT:
      return constantSelection(unit, node)
  }
  return undefined
}
