import { findAttribute } from './attrs.ts'
import { compile, FoundKey, maker, makeSlot } from './compile.ts'
import { UndefinedVariableError } from './errors.ts'
import { wrongType } from './force.ts'
import { symbolText } from './symbols.ts'
import { forceThunk, Thunk } from './thunk.ts'
import type { Unit } from './unit.ts'
import { Attrs, type Code, type Env, type Slot } from './value.ts'

export function compileWith(unit: Unit, node: number): Code {
  const scope = maker(unit, unit.nodes[node + 2]!)
  const body = compile(unit, unit.nodes[node + 3]!)
  return (env) => body([env, makeSlot(scope, env)])
}

/** A variable that only a `with` can have: the innermost set with the name wins. */
export function compileWithVariable(unit: Unit, node: number): Code {
  const symbol = unit.symbol(unit.nodes[node + 2]!)
  const count = unit.nodes[node + 3]!
  const depths = Array.from(unit.nodes.subarray(node + 4, node + 4 + count))
  const found = new FoundKey()
  return (env) => {
    let e = env
    let depth = 0
    for (let i = 0; i < count; i++) {
      for (; depth < depths[i]!; depth++) e = e[0] as Env
      const slot = e[1] as Slot
      const attrs = slot instanceof Thunk ? forceThunk(slot) : slot
      if (!(attrs instanceof Attrs)) {
        const error = wrongType(attrs, 'a set')
        error.wantsPosition = false
        throw error
      }
      let index = found.index
      if (attrs.keys !== found.keys) {
        index = findAttribute(attrs, symbol)
        if (index < 0) continue
        found.keys = attrs.keys
        found.index = index
      }
      const v = attrs.slots[index]!
      return v instanceof Thunk ? forceThunk(v) : v
    }
    throw new UndefinedVariableError(unit.string(unit.nodes[node + 2]!), unit.position(node), namesOf(env, depths))
  }
}

/** What the sets have, all of which have been evaluated when nothing was found. */
function namesOf(env: Env, depths: readonly number[]): string[] {
  const names: string[] = []
  let e = env
  let depth = 0
  for (const at of depths) {
    for (; depth < at; depth++) e = e[0] as Env
    const slot = e[1] as Slot
    const attrs = slot instanceof Thunk ? forceThunk(slot) : slot
    if (attrs instanceof Attrs) names.push(...attrs.keys.map(symbolText))
  }
  return names
}
