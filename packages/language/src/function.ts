import { findAttribute } from './attrs.ts'
import { valueInError } from './error-value.ts'
import { ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import { typeName } from './force.ts'
import type { Position } from './position.ts'
import { intern } from './symbols.ts'
import { force } from './thunk.ts'
import { Attrs, type Env, type Slot, type Value } from './value.ts'

/** What all closures made from one lambda expression share. `a: b: c: body` is one lambda of arity 3. */
export interface LambdaSite {
  /** 1 to 4; a lambda with formals always takes one argument. */
  readonly arity: number
  /** Runs the body with exactly `arity` arguments; compiled at the first call. */
  code: LambdaCode
  readonly formals: Formals | undefined
  /** The name it is bound to, empty when unknown: for messages. */
  readonly name: string
  /** Names of simple arguments, for XML output; with formals the `@` name or empty. */
  readonly argumentNames: readonly string[]
  readonly position: Position
  /** Byte offsets of the arguments' lambdas in the file of `position`. */
  readonly argumentOffsets: readonly number[]
}

export type LambdaCode = (env: Env, a: Slot, b: Slot, c: Slot, d: Slot) => Value

export interface Formals {
  /** Symbol ids, ascending. */
  readonly keys: readonly number[]
  /** Parallel to `keys`: true when it has a default. */
  readonly optional: readonly boolean[]
  /** Parallel to `keys`: byte offsets of the names in the lambda's file. */
  readonly offsets: readonly number[]
  /** `...` is there. */
  readonly open: boolean
}

export class Lambda {
  readonly site: LambdaSite
  readonly env: Env
  constructor(site: LambdaSite, env: Env) {
    this.site = site
    this.env = env
  }
}

/**
 * The code of a builtin, called with exactly `arity` arguments (slots, so it forces what it needs). It throws
 * `ValueError` without a position; the caller fills in its own.
 */
export type PrimOpCode = (evaluator: Evaluator, a: Slot, b: Slot, c: Slot) => Value

/**
 * One entry of the table of builtins. `name` is the global name as in Nix: `map`, `__add`; the member of `builtins` has
 * no leading `__`. An arity of 0 is a constant: its code runs once, lazily, at the first use.
 */
export interface Builtin {
  readonly name: string
  readonly arity: number
  readonly code: PrimOpCode
  /** Of one that applies a function to make a list: to what, one for each item. */
  readonly items?: (evaluator: Evaluator, fn: Slot, source: Slot) => readonly Slot[]
  /** What `code` gives for such a list: for one that takes each item once, in order. The list itself is not made. */
  readonly ofApplied?: (evaluator: Evaluator, fn: Slot, items: readonly Slot[]) => Value
}

/** A function of TypeScript as a value. */
export class PrimOp {
  /** Without the leading `__`. */
  readonly name: string
  /** 1 to 3. */
  readonly arity: number
  readonly code: PrimOpCode
  readonly evaluator: Evaluator
  readonly builtin: Builtin
  constructor(name: string, builtin: Builtin, code: PrimOpCode, evaluator: Evaluator) {
    this.name = name
    this.arity = builtin.arity
    this.code = code
    this.evaluator = evaluator
    this.builtin = builtin
  }
}

/** A lambda or builtin with fewer arguments than it takes. */
export class PartialApp {
  readonly fn: Lambda | PrimOp
  readonly args: readonly Slot[]
  constructor(fn: Lambda | PrimOp, args: readonly Slot[]) {
    this.fn = fn
    this.args = args
  }
}

/** Calls any function value (also a set with `__functor`) with one argument. */
export function callFunction(fn: Slot, argument: Slot): Value {
  const f = force(fn)
  if (f instanceof Lambda) {
    const site = f.site
    return site.arity === 1 ? (site.code as Code1)(f.env, argument) : new PartialApp(f, [argument])
  }
  if (f instanceof PrimOp) {
    return f.arity === 1 ? (f.code as PrimOp1)(f.evaluator, argument) : new PartialApp(f, [argument])
  }
  return callOther(f, argument)
}

/** Calls any function value with two arguments. */
export function callFunction2(fn: Slot, first: Slot, second: Slot): Value {
  const f = force(fn)
  if (f instanceof Lambda && f.site.arity === 2) return (f.site.code as Code2)(f.env, first, second)
  if (f instanceof PrimOp && f.arity === 2) return (f.code as PrimOp2)(f.evaluator, first, second)
  return callFunction(callFunction(f, first), second)
}

/** Calls any function value with a list of arguments. */
export function callFunctionMany(fn: Slot, args: readonly Slot[]): Value {
  let f = force(fn)
  let i = 0
  while (i < args.length) {
    if (args.length - i >= 2) {
      if (f instanceof Lambda && f.site.arity > 1 && f.site.arity <= args.length - i) {
        const end = i + f.site.arity
        f = saturate(f, args.slice(i, end))
        i = end
        continue
      }
      if (f instanceof PrimOp && f.arity > 1 && f.arity <= args.length - i) {
        const end = i + f.arity
        f = saturate(f, args.slice(i, end))
        i = end
        continue
      }
    }
    f = callFunction(f, args[i]!)
    i++
  }
  return f
}

/** Where a function was written: of one that waits for more arguments, the lambda of the next. Undefined for builtins. */
export function functionPosition(value: Value): Position | undefined {
  if (value instanceof Lambda) return value.site.position
  if (!(value instanceof PartialApp) || !(value.fn instanceof Lambda)) return undefined
  const { position, argumentOffsets } = value.fn.site
  return { file: position.file, offset: argumentOffsets[value.args.length]! }
}

/** True for everything that can be called. */
export function isFunction(value: Value): boolean {
  return (
    value instanceof Lambda ||
    value instanceof PrimOp ||
    value instanceof PartialApp ||
    (value instanceof Attrs && findAttribute(value, FUNCTOR) >= 0)
  )
}

type Code1 = (env: Env, a: Slot) => Value
type Code2 = (env: Env, a: Slot, b: Slot) => Value
type Code3 = (env: Env, a: Slot, b: Slot, c: Slot) => Value
type PrimOp1 = (evaluator: Evaluator, a: Slot) => Value
type PrimOp2 = (evaluator: Evaluator, a: Slot, b: Slot) => Value

const FUNCTOR = intern('__functor')

function callOther(f: Value, argument: Slot): Value {
  if (f instanceof PartialApp) {
    const args = [...f.args, argument]
    const arity = f.fn instanceof Lambda ? f.fn.site.arity : f.fn.arity
    return args.length < arity ? new PartialApp(f.fn, args) : saturate(f.fn, args)
  }
  if (f instanceof Attrs) {
    const i = findAttribute(f, FUNCTOR)
    if (i >= 0) return callFunction2(f.slots[i]!, f, argument)
  }
  const message = `attempt to call something which is not a function but ${typeName(f)}`
  throw new ValueError(message).inToday(() => `${message}: ${valueInError(f)}`)
}

function saturate(fn: Lambda | PrimOp, args: readonly Slot[]): Value {
  if (fn instanceof PrimOp) {
    return args.length === 2
      ? (fn.code as PrimOp2)(fn.evaluator, args[0]!, args[1]!)
      : fn.code(fn.evaluator, args[0]!, args[1]!, args[2]!)
  }
  const code = fn.site.code
  switch (args.length) {
    case 2:
      return (code as Code2)(fn.env, args[0]!, args[1]!)
    case 3:
      return (code as Code3)(fn.env, args[0]!, args[1]!, args[2]!)
    default:
      return code(fn.env, args[0]!, args[1]!, args[2]!, args[3]!)
  }
}
