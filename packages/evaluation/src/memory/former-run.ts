/** What a former run of the same request computed, for thunks behind which nothing has changed; see `tracking.ts`. */
import {
  Attrs,
  attrsFromEntries,
  type Context,
  contextOfElements,
  deepElement,
  Float,
  force,
  getAttribute,
  InfiniteRecursionError,
  intern,
  type KnownDerivation,
  type Memory,
  makeString,
  namedThunk,
  outputElement,
  Path,
  pathElement,
  type Slot,
  type Thunk,
  TrackedThunk,
  type Value,
} from '@baryon/language'
import type { MemoryFile } from './memory-file.ts'
import type { DerivationJson, ElementJson, FormerNumbers, SlotJson } from './value-writer.ts'

export class FormerRun implements Memory, FormerNumbers {
  /** How often something was taken over. */
  hits = 0
  readonly #file: MemoryFile
  /** By the number of a set: 1 when nothing in it has changed. */
  readonly #valid: Uint8Array
  /** Indices of entries + 1, by the hash of their names. */
  readonly #table: Int32Array
  readonly #decoded = new Map<number, Attrs | null>()
  readonly #numbers = new Map<Attrs, number>()
  readonly #shapes: (Shape | undefined)[] = []
  /** Thunks that are to be evaluated although they are known. */
  readonly #originals = new WeakSet<TrackedThunk>()
  /** By the number of a value. */
  readonly #origins = new Map<number, Origin[]>()
  readonly #evaluatedValues = new Map<number, Value>()
  /** Slots that stand for another value by its number. */
  readonly #nestedNumbers = new WeakMap<Thunk, number>()
  readonly #derivations: (DerivationJson | undefined)[] = []
  #derivationNumbers: Map<string, number> | undefined

  /** `isValid` tells whether an item is as it was. */
  constructor(file: MemoryFile, isValid: (item: number) => boolean) {
    this.#file = file
    const { sets, entries } = file
    const valid = new Uint8Array(sets.length / 2 + 1)
    valid[0] = 1
    for (let i = 0; i < sets.length; i += 2) {
      const right = sets[i + 1]!
      if (valid[sets[i]!] === 1 && (right < 0 ? isValid(~right) : valid[right] === 1)) valid[i / 2 + 1] = 1
    }
    this.#valid = valid
    let size = 16
    while (size < entries.length / 2) size *= 2
    this.#table = new Int32Array(size)
    for (let at = 0; at < entries.length; at += 4) {
      if (valid[entries[at + 2]!] !== 1) continue
      let place = entries[at]! & (size - 1)
      while (this.#table[place] !== 0) place = (place + 1) & (size - 1)
      this.#table[place] = at + 1
    }
  }

  get shapes(): readonly (readonly string[])[] {
    return this.#file.shapes
  }

  get values(): number {
    return this.#file.values.count
  }

  get derivations(): number {
    return this.#file.derivations.count
  }

  recall(thunk: TrackedThunk): { readonly value: Value; readonly dependencies: number } | undefined {
    const { entries } = this.#file
    const table = this.#table
    const mask = table.length - 1
    for (let place = thunk.name1 & mask; table[place] !== 0; place = (place + 1) & mask) {
      const at = table[place]! - 1
      if (entries[at] !== thunk.name1 || entries[at + 1] !== thunk.name2) continue
      if (this.#originals.has(thunk)) return undefined
      const dependencies = entries[at + 2]!
      const number = entries[at + 3]!
      const value = this.#value(number, dependencies)
      if (value === undefined) return undefined
      const original = this.#originalOf(thunk)
      this.#addOrigin(number, { at, evaluate: () => force(original) })
      this.hits++
      return { value, dependencies }
    }
    return undefined
  }

  get entryCount(): number {
    return this.#file.entries.length / 4
  }

  /** The entries that still hold. */
  *entries(): Generator<Entry> {
    const { entries } = this.#file
    for (let at = 0; at < entries.length; at += 4) {
      if (this.#valid[entries[at + 2]!] !== 1) continue
      yield [entries[at]!, entries[at + 1]!, entries[at + 2]!, entries[at + 3]!]
    }
  }

  valueOf(attrs: Attrs): number | undefined {
    return this.#numbers.get(attrs)
  }

  nestedNumberOf(thunk: Thunk): number | undefined {
    return this.#nestedNumbers.get(thunk)
  }

  derivationOf(path: string): number | undefined {
    if (this.#derivationNumbers === undefined) {
      this.#derivationNumbers = new Map()
      for (let i = 0; i < this.derivations; i++) this.#derivationNumbers.set(this.#derivation(i)[0], i)
    }
    return this.#derivationNumbers.get(path)
  }

  knownDerivation(path: string): KnownDerivation | undefined {
    const number = this.derivationOf(path)
    if (number === undefined) return undefined
    const [, outputs, derivations, others, kind, base16] = this.#derivation(number)
    const references = (): string[] => [...derivations.map((other) => this.#derivation(other)[0]), ...others].sort()
    return {
      outputs,
      get references() {
        return references()
      },
      hash: () => ({ kind, base16 }),
    }
  }

  #derivation(number: number): DerivationJson {
    let derivation = this.#derivations[number]
    if (derivation === undefined) {
      derivation = JSON.parse(this.#file.derivations.at(number)) as DerivationJson
      this.#derivations[number] = derivation
    }
    return derivation
  }

  /** Undefined: what it is asked for most, its derivation, is not known. */
  #value(number: number, dependencies: number): Attrs | undefined {
    const known = this.#decoded.get(number)
    if (known !== undefined) return known ?? undefined
    const [shapeNumber, ...slots] = JSON.parse(this.#file.values.at(number)) as [number, ...SlotJson[]]
    const shape = this.#shape(shapeNumber)
    const { names, drvPath, outPath } = shape
    const isKnown = (at: number): boolean =>
      at >= 0 && slots[at] !== 0 && this.#valid[(slots[at] as Known)[1] ?? 0] === 1
    if (drvPath >= 0 && !isKnown(drvPath) && !isKnown(outPath)) {
      this.#decoded.set(number, null)
      return undefined
    }
    const place: Place = { number, path: [], dependencies }
    const decoded = shape.order.map((i) => this.#slot(slots[i]!, place, names[i]!))
    const attrs = new Attrs(shape.keys, decoded, {
      kind: 'deferred',
      positions: () => (this.#evaluated(place) as Attrs).positions,
    })
    this.#decoded.set(number, attrs)
    this.#numbers.set(attrs, number)
    return attrs
  }

  #shape(number: number): Shape {
    let shape = this.#shapes[number]
    if (shape === undefined) {
      const names = this.#file.shapes[number]!
      // Sorted by the symbols of this run.
      const { keys, slots } = attrsFromEntries(
        names.map((name) => intern(name)),
        names.map((_, i) => i),
      )
      shape = {
        names,
        keys,
        order: slots as number[],
        drvPath: names.indexOf('drvPath'),
        outPath: names.indexOf('outPath'),
      }
      this.#shapes[number] = shape
    }
    return shape
  }

  #slot(json: SlotJson, parent: Place, step: string | number): Slot {
    const place = { ...parent, path: [...parent.path, step] }
    if (json === 0 || this.#valid[json[1] ?? 0] !== 1) {
      return this.#thunk(place, () => this.#evaluated(place))
    }
    const [data, dependencies = parent.dependencies] = json
    place.dependencies = dependencies
    if (Array.isArray(data) && data[0] === 'a') {
      const number = data[1] as number
      const thunk = this.#thunk(place, () => {
        this.#addOrigin(number, { at: Number.POSITIVE_INFINITY, evaluate: () => this.#evaluated(place) })
        return this.#value(number, dependencies) ?? this.#evaluated(place)
      })
      this.#nestedNumbers.set(thunk, number)
      return thunk
    }
    const value = Array.isArray(data) ? this.#data(data, place) : (data as Value)
    // Who has the value that this is part of has looked at what that depends on.
    return dependencies === parent.dependencies ? value : new TrackedThunk(null, null, value, 0, 0, dependencies)
  }

  #data(data: readonly unknown[], place: Place): Value {
    switch (data[0]) {
      case 'i':
        return BigInt(data[1] as string)
      case 'f':
        return new Float(data[1] as number)
      case 'p':
        return new Path(data[1] as string)
      case 'c':
        return makeString(data[1] as string, this.#context(data.slice(2) as ElementJson[]))
      default:
        return data.slice(1).map((item, i) => this.#slot(item as SlotJson, place, i))
    }
  }

  #context(elements: readonly ElementJson[]): Context {
    return contextOfElements(
      elements.map((element) => {
        if (typeof element === 'string') return pathElement(element)
        const path = this.#derivation(element[0])[0]
        return element[1] === undefined ? deepElement(path) : outputElement(path, element[1])
      }),
    )
  }

  /** A thunk that the former run did not have, or not as one of its own. */
  #thunk({ number, path, dependencies }: Place, compute: () => Value): Thunk {
    return namedThunk(`value ${number} ${JSON.stringify(path)}`, compute, dependencies)
  }

  #originalOf({ code, first, second, name1, name2, dependencies }: TrackedThunk): TrackedThunk {
    const original = new TrackedThunk(code, first, second, name1, name2, dependencies)
    this.#originals.add(original)
    return original
  }

  #addOrigin(number: number, origin: Origin): void {
    const all = this.#origins.get(number)
    if (all === undefined) this.#origins.set(number, [origin])
    else all.push(origin)
  }

  /** What is not known, by evaluating what it is part of. */
  #evaluated({ number, path }: Place): Value {
    let value = this.#evaluatedValue(number)
    for (const step of path) {
      const slot =
        typeof step === 'number' ? (value as readonly Slot[])[step] : getAttribute(value as Attrs, intern(step))
      value = force(slot!)
    }
    return value
  }

  /**
   * Several thunks may have had this one value, where one evaluates the other and more. Who is inside of that more and
   * came to the value by the other must not evaluate the first: hence the one that was finished first, and if that needs
   * itself, another. One that only gets what was taken over from another is no origin at all.
   */
  #evaluatedValue(number: number): Value {
    const known = this.#evaluatedValues.get(number)
    if (known !== undefined) return known
    const takenOver = this.#decoded.get(number)
    const origins = this.#origins.get(number)!
    const tried = new Set<Origin>()
    for (;;) {
      const next = origins.filter((origin) => !tried.has(origin)).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) throw new InfiniteRecursionError()
      tried.add(next)
      try {
        const value = next.evaluate()
        if (value === takenOver) continue
        this.#evaluatedValues.set(number, value)
        return value
      } catch (error) {
        if (!(error instanceof InfiniteRecursionError)) throw error
      }
    }
  }
}

/** A way to a value. */
interface Origin {
  /** The order in which the ways were finished. */
  readonly at: number
  readonly evaluate: () => Value
}

/** A place inside of a value. */
interface Place {
  readonly number: number
  readonly path: readonly (string | number)[]
  /** Of what is there. */
  dependencies: number
}

export type Entry = readonly [name1: number, name2: number, dependencies: number, value: number]

interface Shape {
  /** As slots are written. */
  readonly names: readonly string[]
  /** Sorted by symbol. */
  readonly keys: readonly number[]
  /** Which of the names each key is. */
  readonly order: readonly number[]
  /** Which of the names they are, or -1. */
  readonly drvPath: number
  readonly outPath: number
}

type Known = Exclude<SlotJson, 0>
