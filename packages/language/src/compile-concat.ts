import { coerceToString } from './coerce.ts'
import { compile } from './compile.ts'
import { ContextCollector, isEmptyContext, makeString, unionContext } from './context.ts'
import { locatedAt, ValueError } from './errors.ts'
import { typeName } from './force.ts'
import { checkedInt } from './integer.ts'
import { canonicalPath } from './path.ts'
import type { Unit } from './unit.ts'
import { type Code, type Env, Float, NixString, Path, type Value } from './value.ts'

/** `a + b`, `"${a}b"` and `./a/${b}`. */
export function compileConcat(unit: Unit, node: number): Code {
  const nodes = unit.nodes
  const interpolated = nodes[node + 2] === 1
  const count = nodes[node + 3]!
  const codes: Code[] = new Array(count)
  const offsets: number[] = new Array(count)
  for (let i = 0; i < count; i++) {
    offsets[i] = nodes[node + 4 + 2 * i]!
    codes[i] = compile(unit, nodes[node + 5 + 2 * i]!)
  }
  if (interpolated) return (env) => interpolate(unit, codes, offsets, env)
  if (count !== 2) return (env) => concatPath(unit, node, codes, offsets, env, codes[0]!(env), 1)
  const left = codes[0]!
  const right = codes[1]!
  // Short, as a recursion stands in it once for each level: what is rare would take a third more of the stack.
  return (env) => {
    const a = left(env)
    if (typeof a !== 'number') return addTo(unit, node, a, right, env)
    const b = right(env)
    if (typeof b === 'number') {
      const sum = a + b
      if (Number.isSafeInteger(sum)) return sum
    }
    return add(unit, node, a, b)
  }
}

/** What is no string, path or number must have a text before the other operand is computed. */
function addTo(unit: Unit, node: number, a: Value, right: Code, env: Env): Value {
  if (typeof a === 'string') {
    const b = right(env)
    return typeof b === 'string' ? a + b : add(unit, node, a, b)
  }
  if (typeof a === 'bigint' || a instanceof NixString || a instanceof Path || a instanceof Float) {
    return add(unit, node, a, right(env))
  }
  const context = new ContextCollector()
  const text = coerced(unit, unit.nodes[node + 4]!, a, context, false)
  return makeString(text + coerced(unit, unit.nodes[node + 6]!, right(env), context, false), context.context)
}

function add(unit: Unit, node: number, a: Value, b: Value): Value {
  const second = unit.nodes[node + 6]!
  if (typeof a === 'number' || typeof a === 'bigint' || a instanceof Float) return addNumbers(unit, second, a, b)
  if (a instanceof Path) return appendToPath(unit, node, a, [b], [second])
  if (a instanceof NixString) {
    if (typeof b === 'string') return new NixString(a.text + b, a.context)
    if (b instanceof NixString) return new NixString(a.text + b.text, unionContext(a.context, b.context))
  } else if (typeof a === 'string' && b instanceof NixString) return new NixString(a + b.text, b.context)
  // A string and what is none.
  const context = new ContextCollector()
  const text = coerced(unit, unit.nodes[node + 4]!, a, context, true)
  return makeString(text + coerced(unit, second, b, context, true), context.context)
}

function interpolate(unit: Unit, codes: readonly Code[], offsets: readonly number[], env: Env): Value {
  let text = ''
  let context: ContextCollector | null = null
  for (let i = 0; i < codes.length; i++) {
    const value = codes[i]!(env)
    if (typeof value === 'string') text += value
    else {
      context ??= new ContextCollector()
      text += coerced(unit, offsets[i]!, value, context, true)
    }
  }
  return context === null ? text : makeString(text, context.context)
}

function concatPath(
  unit: Unit,
  node: number,
  codes: readonly Code[],
  offsets: readonly number[],
  env: Env,
  first: Value,
  from: number,
): Value {
  const values: Value[] = []
  for (let i = from; i < codes.length; i++) values.push(codes[i]!(env))
  return appendToPath(unit, node, first as Path, values, offsets.slice(from))
}

function appendToPath(
  unit: Unit,
  node: number,
  path: Path,
  values: readonly Value[],
  offsets: readonly number[],
): Value {
  const context = new ContextCollector()
  let text = path.path
  for (let i = 0; i < values.length; i++) text += coerced(unit, offsets[i]!, values[i]!, context, false)
  if (!isEmptyContext(context.context)) {
    throw new ValueError('a string that refers to a store path cannot be appended to a path', unit.position(node))
  }
  return new Path(canonicalPath(text))
}

function addNumbers(unit: Unit, offset: number, a: number | bigint | Float, b: Value): Value {
  if (b instanceof Float) return new Float((a instanceof Float ? a.value : Number(a)) + b.value)
  if (typeof b === 'number' || typeof b === 'bigint') {
    if (a instanceof Float) return new Float(a.value + Number(b))
    try {
      return checkedInt(unit.evaluator, BigInt(a) + BigInt(b), a, '+', b)
    } catch (error) {
      throw locatedAt(error, unit.at(offset))
    }
  }
  const to = a instanceof Float ? 'a float' : 'an integer'
  throw new ValueError(`cannot add ${typeName(b)} to ${to}`, unit.at(offset))
}

function coerced(unit: Unit, offset: number, value: Value, context: ContextCollector, copyToStore: boolean): string {
  try {
    return coerceToString(unit.evaluator, value, context, false, copyToStore)
  } catch (error) {
    throw locatedAt(error, unit.at(offset))
  }
}
