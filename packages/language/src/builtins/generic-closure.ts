import { getAttribute } from '../attrs.ts'
import { lessThan } from '../equality.ts'
import { ValueError } from '../errors.ts'
import type { Evaluator } from '../evaluator.ts'
import { forceAttrs, forceFunction, forceList } from '../force.ts'
import { callFunction } from '../function.ts'
import { intern } from '../symbols.ts'
import { force } from '../thunk.ts'
import { type Attrs, Float, NixString, Path, type Slot, type Value } from '../value.ts'

/**
 * `builtins.genericClosure`: breadth first from `startSet`, each key once, in the order found. Keys must be comparable
 * with each other.
 */
export function genericClosure({ settings }: Evaluator, argument: Slot): Value {
  const attrs = forceAttrs(argument)
  const queue = forceList(required(attrs, START_SET, 'startSet')).slice()
  if (queue.length === 0 && settings.newerFeatures) return []
  const operator = required(attrs, OPERATOR, 'operator')
  if (settings.newerFeatures) forceFunction(operator)
  else force(operator)
  if (queue.length === 0) return []
  const found: Slot[] = []
  const keys = new KeySet()
  for (let i = 0; i < queue.length; i++) {
    const item = queue[i]!
    const key = getAttribute(forceAttrs(item), KEY)
    if (key === undefined) throw new ValueError("attribute 'key' required").inToday(() => "attribute 'key' missing")
    if (!keys.add(force(key))) continue
    found.push(item)
    const next = forceList(callFunction(operator, item))
    for (let j = 0; j < next.length; j++) {
      forceAttrs(next[j]!)
      queue.push(next[j]!)
    }
  }
  return found
}

const START_SET = intern('startSet')
const OPERATOR = intern('operator')
const KEY = intern('key')

function required(attrs: Attrs, symbol: number, name: string): Slot {
  const slot = getAttribute(attrs, symbol)
  if (slot === undefined)
    throw new ValueError(`attribute '${name}' missing for call to 'genericClosure'`).inToday(
      () => `attribute '${name}' missing`,
    )
  return slot
}

type KeyKind = 'number' | 'string' | 'path' | 'other'

/** Strings, numbers and paths are hashed; other keys are compared one by one. */
class KeySet {
  readonly #hashed = new Set<string | number>()
  readonly #others: Value[] = []
  #kind: KeyKind | undefined
  #first: Value = null

  /** False when an equal key is there. */
  add(key: Value): boolean {
    const kind = kindOf(key)
    if (this.#kind === undefined) {
      this.#kind = kind
      this.#first = key
    } else if (kind !== this.#kind) {
      // Throws Nix's error about what cannot be compared.
      lessThan(key, this.#first)
    }
    if (kind === 'other') {
      for (const other of this.#others) if (!lessThan(key, other) && !lessThan(other, key)) return false
      this.#others.push(key)
      return true
    }
    const identity = identityOf(key)
    if (this.#hashed.has(identity)) return false
    this.#hashed.add(identity)
    return true
  }
}

function kindOf(key: Value): KeyKind {
  if (typeof key === 'string' || key instanceof NixString) return 'string'
  if (typeof key === 'number' || key instanceof Float) return 'number'
  return key instanceof Path ? 'path' : 'other'
}

function identityOf(key: Value): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key
  if (key instanceof NixString) return key.text
  return key instanceof Path ? key.path : (key as Float).value
}
