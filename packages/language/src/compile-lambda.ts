import { findKey } from './attrs.ts'
import { compile, type Maker, maker, makeSlot } from './compile.ts'
import { EvaluationError, ValueError } from './errors.ts'
import * as flat from './flat.ts'
import { forceAttrs } from './force.ts'
import type { Formals, LambdaCode, LambdaSite } from './function.ts'
import { formatPosition } from './position.ts'
import { suggest } from './suggestion.ts'
import { symbolText } from './symbols.ts'
import type { Unit } from './unit.ts'
import type { Attrs, Code, Env, Slot } from './value.ts'

/** The shared part of all functions that a lambda expression makes. Its body is compiled at the first call. */
export function lambdaSite(unit: Unit, node: number): LambdaSite {
  const known = unit.lambdas.get(node)
  if (known !== undefined) return known
  const site = unit.nodes[node] === flat.LAMBDA ? plainSite(unit, node) : formalsSite(unit, node)
  unit.lambdas.set(node, site)
  return site
}

function plainSite(unit: Unit, node: number): LambdaSite {
  const nodes = unit.nodes
  const arity = nodes[node + 4]!
  const argumentNames: string[] = []
  const argumentOffsets: number[] = []
  for (let i = 0; i < arity; i++) {
    argumentNames.push(unit.string(nodes[node + 5 + 2 * i]!))
    argumentOffsets.push(nodes[node + 6 + 2 * i]!)
  }
  const site: LambdaSite = {
    arity,
    code: (env, a, b, c, d) => {
      const code = plainCode(unit, nodes[node + 3]!, site, arity)
      site.code = code
      return code(env, a, b, c, d)
    },
    formals: undefined,
    name: unit.string(nodes[node + 2]!),
    argumentNames,
    position: unit.at(nodes[node + 1]!),
    argumentOffsets,
  }
  return site
}

/** The body; with traces, errors that pass get the function's frame. */
function compileBody(unit: Unit, node: number, site: LambdaSite): Code {
  const body = counted(unit, compile(unit, node))
  if (!unit.trace) return body
  const message = site.name === '' ? 'while evaluating anonymous lambda' : `while evaluating '${site.name}'`
  const position = unit.at(site.argumentOffsets[site.argumentOffsets.length - 1]!)
  return (env) => {
    try {
      return body(env)
    } catch (error) {
      if (error instanceof EvaluationError) error.addCall(message, position)
      throw error
    }
  }
}

/** With a limit of the call depth, the body counts. */
function counted(unit: Unit, body: Code): Code {
  const depth = unit.evaluator.callDepth
  if (depth === undefined) return body
  return (env) => {
    depth.enter()
    try {
      return body(env)
    } finally {
      depth.leave()
    }
  }
}

function plainCode(unit: Unit, node: number, site: LambdaSite, arity: number): LambdaCode {
  const depth = unit.evaluator.callDepth
  // Counted in the same function: each more takes 140 bytes of the stack for a level of a recursion.
  if (depth !== undefined && arity === 1 && !unit.trace) {
    const body = compile(unit, node)
    return (env, a) => {
      depth.enter()
      try {
        return body([env, a])
      } finally {
        depth.leave()
      }
    }
  }
  const body = compileBody(unit, node, site)
  switch (arity) {
    case 1:
      return (env, a) => body([env, a])
    case 2:
      return (env, a, b) => body([env, a, b])
    case 3:
      return (env, a, b, c) => body([env, a, b, c])
    default:
      return (env, a, b, c, d) => body([env, a, b, c, d])
  }
}

function formalsSite(unit: Unit, node: number): LambdaSite {
  const nodes = unit.nodes
  const argument = nodes[node + 4]!
  const count = nodes[node + 6]!
  const symbols: number[] = []
  for (let i = 0; i < count; i++) symbols.push(unit.symbol(nodes[node + 7 + 3 * i]!))
  const order = symbols.map((_, i) => i).sort((a, b) => symbols[a]! - symbols[b]!)
  const formals: Formals = {
    keys: order.map((i) => symbols[i]!),
    optional: order.map((i) => nodes[node + 7 + 3 * i + 2]! >= 0),
    offsets: order.map((i) => nodes[node + 7 + 3 * i + 1]!),
    open: nodes[node + 5] === 1,
  }
  const site: LambdaSite = {
    arity: 1,
    code: (env, a, b, c, d) => {
      const code = formalsCode(unit, node, site, formals, symbols)
      site.code = code
      return code(env, a, b, c, d)
    },
    formals,
    name: unit.string(nodes[node + 2]!),
    argumentNames: [argument < 0 ? '' : unit.string(argument)],
    position: unit.at(nodes[node + 1]!),
    argumentOffsets: [nodes[node + 1]!],
  }
  return site
}

/** Env: the `@` name when there is one, then the formals in source order. */
function formalsCode(
  unit: Unit,
  node: number,
  site: LambdaSite,
  formals: Formals,
  symbols: readonly number[],
): LambdaCode {
  const nodes = unit.nodes
  const count = symbols.length
  const named = nodes[node + 4]! >= 0
  const first = named ? 2 : 1
  const defaults: (Maker | null)[] = []
  for (let i = 0; i < count; i++) {
    const fallback = nodes[node + 7 + 3 * i + 2]!
    defaults.push(fallback < 0 ? null : maker(unit, fallback))
  }
  const body = compileBody(unit, nodes[node + 3]!, site)
  // Which slot of the argument each formal takes, for arguments of the shape seen last.
  const seen: { keys: readonly number[] | null; map: readonly number[] } = { keys: null, map: [] }
  return (outer, argument: Slot) => {
    const attrs = forceAttrs(argument)
    if (attrs.keys !== seen.keys) {
      seen.map = matchFormals(site, formals, symbols, defaults, attrs)
      seen.keys = attrs.keys
    }
    const { map } = seen
    const env = new Array(first + count) as unknown as Env
    env[0] = outer
    if (named) env[1] = attrs
    let missing = false
    for (let i = 0; i < count; i++) {
      const index = map[i]!
      if (index >= 0) env[first + i] = attrs.slots[index]!
      else {
        missing = true
        env[first + i] = undefined
      }
    }
    // Defaults may refer to all other arguments, so they come last.
    if (missing) {
      for (let i = 0; i < count; i++) if (map[i]! < 0) env[first + i] = makeSlot(defaults[i]!, env)
    }
    return body(env)
  }
}

function matchFormals(
  site: LambdaSite,
  formals: Formals,
  symbols: readonly number[],
  defaults: readonly (Maker | null)[],
  attrs: Attrs,
): number[] {
  const map: number[] = []
  let used = 0
  for (let i = 0; i < symbols.length; i++) {
    const index = findKey(attrs.keys, symbols[i]!)
    map.push(index)
    if (index >= 0) used++
    else if (defaults[i] === null) {
      const problem = `called without required argument '${symbolText(symbols[i]!)}'`
      throw new ValueError(`${describe(site)} ${problem}`).inToday(() => `${nameInToday(site)} ${problem}`)
    }
  }
  if (!formals.open && used < attrs.keys.length) {
    for (const key of attrs.keys) {
      if (findKey(formals.keys, key) >= 0) continue
      const name = symbolText(key)
      const problem = `called with unexpected argument '${name}'`
      const near = suggest(name, symbols.map(symbolText))
      throw new ValueError(`${describe(site)} ${problem}`, undefined, near).inToday(
        () => `${nameInToday(site)} ${problem}`,
      )
    }
  }
  return map
}

function nameInToday(site: LambdaSite): string {
  return `function '${site.name === '' ? 'anonymous lambda' : site.name}'`
}

/** `'f' at file:1:2`. */
export function describe(site: LambdaSite): string {
  return `${site.name === '' ? 'anonymous function' : `'${site.name}'`} at ${formatPosition(site.position)}`
}
