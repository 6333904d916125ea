/**
 * Values as JSON, for the next run. What is not evaluated, or is no data (functions), is left out.
 *
 * A value is `[shape, slot…]`, the slots in the order of the shape's names (which means nothing); a slot is 0 (not known), `[data]` or
 * `[data, set of what it depends on]`. Data: numbers, strings, booleans and null as they are; otherwise a list whose first
 * element tells what it is: `i` large integer, `f` float, `c` string with context, `p` path, `l` list of slots, `a` another
 * value by its number. An element of a context is a path, or `[derivation, output]`, without an output all of it.
 */
import {
  Attrs,
  type Context,
  contextElements,
  type DerivationRegistry,
  Float,
  NixString,
  Path,
  type Slot,
  symbolText,
  Thunk,
  TrackedThunk,
  type Value,
} from '@baryon/language'

export type SlotJson = 0 | readonly [data: DataJson, dependencies?: number]

export type DataJson = number | string | boolean | null | readonly unknown[]

export type ElementJson = string | readonly [derivation: number, output?: string]

/** `[path, outputs, derivations referred to, other references, kind of hash, hash]`. */
export type DerivationJson = readonly [
  path: string,
  outputs: readonly string[],
  derivations: readonly number[],
  references: readonly string[],
  kind: 'input-addressed' | 'fixed' | 'deferred',
  hash: string,
]

/** Numbers that a former run gave out. */
export interface FormerNumbers {
  readonly shapes: readonly (readonly string[])[]
  readonly values: number
  readonly derivations: number
  valueOf(attrs: Attrs): number | undefined
  /** For a thunk that stands for a value that was not looked at. */
  nestedNumberOf(thunk: Thunk): number | undefined
  derivationOf(path: string): number | undefined
}

export class ValueWriter {
  readonly shapes: (readonly string[])[]
  readonly values: string[] = []
  readonly derivations: string[] = []
  readonly #former: FormerNumbers
  readonly #registry: DerivationRegistry
  readonly #isWanted: (attrs: Attrs) => boolean
  readonly #values = new Map<Attrs, number>()
  readonly #derivations = new Map<string, number>()
  readonly #shapeNumbers = new Map<string, number>()
  readonly #shapesOfKeys = new Map<readonly number[], number>()
  readonly #pendingValues: Attrs[] = []
  readonly #pendingDerivations: string[] = []

  /** `isWanted` tells which values are worth a number of their own when they are part of another. */
  constructor(former: FormerNumbers, registry: DerivationRegistry, isWanted: (attrs: Attrs) => boolean) {
    this.#former = former
    this.#isWanted = isWanted
    this.#registry = registry
    this.shapes = former.shapes.slice()
    for (const [number, names] of former.shapes.entries()) this.#shapeNumbers.set(names.join('\n'), number)
  }

  /** The number of a value, which is written if it is new. */
  number(attrs: Attrs): number {
    const known = this.#former.valueOf(attrs) ?? this.#values.get(attrs)
    if (known !== undefined) return known
    const number = this.#former.values + this.#values.size
    this.#values.set(attrs, number)
    this.#pendingValues.push(attrs)
    return number
  }

  /** Writes all that got a number. */
  finish(): void {
    for (let i = 0; i < this.#pendingValues.length; i++) this.values.push(this.#value(this.#pendingValues[i]!))
    for (let i = 0; i < this.#pendingDerivations.length; i++) {
      this.derivations.push(this.#derivation(this.#pendingDerivations[i]!))
    }
  }

  #value(attrs: Attrs): string {
    const slots: unknown[] = [this.#shape(attrs.keys)]
    for (let i = 0; i < attrs.slots.length; i++) slots.push(this.#slot(attrs.slots[i]!, 0))
    return JSON.stringify(slots)
  }

  #shape(keys: readonly number[]): number {
    let number = this.#shapesOfKeys.get(keys)
    if (number !== undefined) return number
    const names = keys.map((key) => symbolText(key))
    const text = names.join('\n')
    number = this.#shapeNumbers.get(text)
    if (number === undefined) {
      number = this.shapes.length
      this.shapes.push(names)
      this.#shapeNumbers.set(text, number)
    }
    this.#shapesOfKeys.set(keys, number)
    return number
  }

  #slot(slot: Slot, depth: number): SlotJson {
    if (!(slot instanceof Thunk)) {
      const data = this.#data(slot, depth)
      return data === undefined ? 0 : [data]
    }
    if (slot.code !== null) {
      const number = slot instanceof TrackedThunk ? this.#former.nestedNumberOf(slot) : undefined
      return number === undefined ? 0 : [['a', number], (slot as TrackedThunk).dependencies]
    }
    const data = this.#data(slot.second as Value, depth)
    if (data === undefined) return 0
    return slot instanceof TrackedThunk && slot.dependencies !== 0 ? [data, slot.dependencies] : [data]
  }

  #data(value: Value, depth: number): DataJson | undefined {
    switch (typeof value) {
      case 'string':
        return value.length > MAX_TEXT ? undefined : value
      case 'number':
      case 'boolean':
        return value
      case 'bigint':
        return ['i', String(value)]
    }
    if (value === null) return null
    if (value instanceof NixString)
      return value.text.length > MAX_TEXT ? undefined : ['c', value.text, ...this.#context(value.context)]
    if (value instanceof Path) return ['p', value.path]
    if (value instanceof Attrs) return this.#isWanted(value) ? ['a', this.number(value)] : undefined
    if (value instanceof Float) return Number.isFinite(value.value) ? ['f', value.value] : undefined
    if (!Array.isArray(value) || value.length > MAX_LENGTH || depth > MAX_DEPTH) return undefined
    return ['l', ...(value as readonly Slot[]).map((item) => this.#slot(item, depth + 1))]
  }

  #context(context: Context): ElementJson[] {
    return contextElements(context).map(({ kind, path, output }) => {
      if (kind === 'path') return path
      return kind === 'deep' ? [this.#derivationNumber(path)] : [this.#derivationNumber(path), output]
    })
  }

  #derivationNumber(path: string): number {
    const known = this.#former.derivationOf(path) ?? this.#derivations.get(path)
    if (known !== undefined) return known
    const number = this.#former.derivations + this.#derivations.size
    this.#derivations.set(path, number)
    this.#pendingDerivations.push(path)
    return number
  }

  #derivation(path: string): string {
    const { outputs } = this.#registry.get(path)
    const { kind, base16 } = this.#registry.hash(path)
    const derivations: number[] = []
    const others: string[] = []
    for (const reference of this.#registry.referencesOf(path)) {
      if (reference.endsWith('.drv')) derivations.push(this.#derivationNumber(reference))
      else others.push(reference)
    }
    const json: DerivationJson = [path, outputs, derivations, others, kind, base16]
    return JSON.stringify(json)
  }
}

/**
 * What is wanted is what other derivations ask of this one, and those do not ask for its build scripts: bytes of a text,
 * lists in lists, length of one.
 */
const MAX_TEXT = 300
const MAX_DEPTH = 3
const MAX_LENGTH = 1000
