import * as flat from './flat.ts'
import { isBeingForced, Thunk } from './thunk.ts'
import type { Env, Slot } from './value.ts'

/**
 * Where an expression asks for a value that is being computed: the byte offset of the variable, or -1. It is read from the
 * expression once that has failed, so that variables need not know where they are. Only what is surely or maybe evaluated as
 * part of it is looked at, in the order of its evaluation, and not what a `let` or `with` in it makes.
 */
export function askedAt(nodes: Int32Array, node: number, env: Env, inner = 0): number {
  const find = (child: number, deeper = 0): number => askedAt(nodes, nodes[child]!, env, inner + deeper)
  switch (nodes[node]) {
    case flat.LOCAL: {
      const depth = nodes[node + 2]! - inner
      let e = env
      for (let i = 0; i < depth; i++) e = e[0]!
      const slot = depth < 0 ? undefined : (e[nodes[node + 3]!] as Slot | undefined)
      return slot instanceof Thunk && isBeingForced(slot) ? nodes[node + 1]! : -1
    }
    case flat.SELECT:
    case flat.HAS_ATTR:
    case flat.CALL:
    case flat.NOT:
      return find(node + 2)
    case flat.LET:
      return find(node + 2, 1)
    case flat.WITH:
      return first(
        () => find(node + 2),
        () => find(node + 3, 1),
      )
    case flat.IF:
      return first(
        () => find(node + 2),
        () => find(node + 3),
        () => find(node + 4),
      )
    case flat.CONCAT: {
      const parts = Array.from({ length: nodes[node + 3]! }, (_, i) => () => find(node + 5 + 2 * i))
      return first(...parts)
    }
    case flat.ASSERT:
    case flat.EQUAL:
    case flat.NOT_EQUAL:
    case flat.AND:
    case flat.OR:
    case flat.IMPLIES:
    case flat.UPDATE:
    case flat.CONCAT_LISTS:
      return first(
        () => find(node + 2),
        () => find(node + 3),
      )
  }
  return -1
}

function first(...searches: readonly (() => number)[]): number {
  for (const search of searches) {
    const at = search()
    if (at >= 0) return at
  }
  return -1
}
