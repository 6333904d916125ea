import { updateAttrs } from './attrs.ts'
import { compile, notBoolean } from './compile.ts'
import { valuesEqual } from './equality.ts'

import * as flat from './flat.ts'
import { wrongType } from './force.ts'
import type { Unit } from './unit.ts'
import { Attrs, type Code, type Slot, type Value } from './value.ts'

export function compileNot(unit: Unit, node: number): Code {
  const operand = compile(unit, unit.nodes[node + 2]!)
  return (env) => {
    const value = operand(env)
    if (typeof value === 'boolean') return !value
    return misplaced(value, 'a Boolean')
  }
}

export function compileBinary(unit: Unit, node: number): Code {
  const left = compile(unit, unit.nodes[node + 2]!)
  const right = compile(unit, unit.nodes[node + 3]!)
  switch (unit.nodes[node]!) {
    case flat.EQUAL:
      return (env) => valuesEqual(left(env), right(env))
    case flat.NOT_EQUAL:
      return (env) => !valuesEqual(left(env), right(env))
    case flat.AND:
      return (env) => {
        const a = left(env)
        if (a === false) return false
        if (a !== true) return notBoolean(unit, node, a)
        const b = right(env)
        return typeof b === 'boolean' ? b : notBoolean(unit, node, b)
      }
    case flat.OR:
      return (env) => {
        const a = left(env)
        if (a === true) return true
        if (a !== false) return notBoolean(unit, node, a)
        const b = right(env)
        return typeof b === 'boolean' ? b : notBoolean(unit, node, b)
      }
    case flat.IMPLIES:
      return (env) => {
        const a = left(env)
        if (a === false) return true
        if (a !== true) return notBoolean(unit, node, a)
        const b = right(env)
        return typeof b === 'boolean' ? b : notBoolean(unit, node, b)
      }
    case flat.UPDATE:
      return (env) => {
        const a = left(env)
        if (!(a instanceof Attrs)) return misplaced(a, 'a set')
        const b = right(env)
        if (!(b instanceof Attrs)) return misplaced(b, 'a set')
        return updateAttrs(a, b)
      }
    case flat.CONCAT_LISTS:
      return (env) => {
        const a = left(env)
        const b = right(env)
        if (!Array.isArray(a)) return notList(unit, node, a)
        if (!Array.isArray(b)) return notList(unit, node, b)
        if (b.length === 0) return a
        if (a.length === 0) return b
        return (a as readonly Slot[]).concat(b)
      }
    default:
      throw new Error(`unknown node kind ${unit.nodes[node]} at ${node}`)
  }
}

/** Nix gives these no position. */
function misplaced(value: Value, expected: string): never {
  const error = wrongType(value, expected)
  error.wantsPosition = false
  throw error
}

function notList(unit: Unit, node: number, value: Value): never {
  throw wrongType(value, 'a list', unit.position(node))
}
