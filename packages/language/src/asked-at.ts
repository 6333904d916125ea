import * as flat from './flat.ts'
import { isBeingForced, Thunk } from './thunk.ts'
import type { Env, Slot } from './value.ts'

/**
 * Where an expression asks for a value that is being computed: the byte offset of the variable, or -1. It is read from the
 * expression once that has failed, so that variables need not know where they are. Only what is surely or maybe evaluated as
 * part of it is looked at, in the order of its evaluation, and not what a `let` or `with` in it makes: `inner` are the
 * environments of such between it and `env`.
 */
export function askedAt(nodes: Int32Array, node: number, env: Env, inner = 0): number {
  if (nodes[node] === flat.LOCAL) {
    const depth = nodes[node + 2]! - inner
    let e = env
    for (let i = 0; i < depth; i++) e = e[0]!
    const slot = depth < 0 ? undefined : (e[nodes[node + 3]!] as Slot | undefined)
    return slot instanceof Thunk && isBeingForced(slot) ? nodes[node + 1]! : -1
  }
  for (const { place, deeper = 0 } of evaluatedParts(nodes, node)) {
    const at = askedAt(nodes, nodes[place]!, env, inner + deeper)
    if (at >= 0) return at
  }
  return -1
}

interface Part {
  /** Of its node in the nodes. */
  readonly place: number
  /** How many environments it makes. */
  readonly deeper?: number
}

function evaluatedParts(nodes: Int32Array, node: number): readonly Part[] {
  const first = { place: node + 2 }
  const second = { place: node + 3 }
  switch (nodes[node]) {
    case flat.SELECT:
    case flat.HAS_ATTR:
    case flat.CALL:
    case flat.NOT:
      return [first]
    case flat.LET:
      return [{ ...first, deeper: 1 }]
    case flat.WITH:
      return [first, { ...second, deeper: 1 }]
    case flat.IF:
      return [first, second, { place: node + 4 }]
    case flat.CONCAT:
      return Array.from({ length: nodes[node + 3]! }, (_, i) => ({ place: node + 5 + 2 * i }))
    case flat.ASSERT:
    case flat.EQUAL:
    case flat.NOT_EQUAL:
    case flat.AND:
    case flat.OR:
    case flat.IMPLIES:
    case flat.UPDATE:
    case flat.CONCAT_LISTS:
      return [first, second]
  }
  return []
}
