/**
 * Shapes of JSON objects: those with the same names in the same order share one array of keys, so that a list of
 * records costs one sorting, and what is cached by key array (the order by name, the place of a select) is found.
 */
import { type KeyOrder, orderKeys } from './attrs.ts'
import { intern, symbolText } from './symbols.ts'
import { Attrs, type Slot } from './value.ts'

/** Names of a larger object are its own: it is a table, no record. */
const MOST_NAMES = 48
/** Shapes of one text; beyond them nothing is shared any more. */
const MOST_SHAPES = 4096

/** Some names in their order, one more than its parent. */
interface Shape {
  readonly parent: Shape | undefined
  readonly symbol: number
  readonly count: number
  readonly next: Map<number, Shape>
  /** The one that followed last time, and how its name stands in the text if that is as it is. */
  expected: Shape | undefined
  readonly quoted: string | undefined
  order: KeyOrder | undefined
}

export class ShapeTable {
  readonly root = createShape(undefined, -1, 0)
  #shapes = 0

  follow(shape: Shape, symbol: number): Shape | undefined {
    let next = shape.next.get(symbol)
    if (next === undefined) {
      if (shape.count === MOST_NAMES || this.#shapes === MOST_SHAPES) return undefined
      this.#shapes++
      next = createShape(shape, symbol, shape.count + 1)
      shape.next.set(symbol, next)
    }
    shape.expected = next
    return next
  }
}

function createShape(parent: Shape | undefined, symbol: number, count: number): Shape {
  const text = symbol < 0 ? '' : symbolText(symbol)
  const quoted = symbol >= 0 && /^[^"\\\x00-\x1f\x80-\xff]*$/.test(text) ? `"${text}"` : undefined
  return { parent, symbol, count, next: new Map(), expected: undefined, quoted, order: undefined }
}

/** The names of one object after the other. */
export class ObjectNames {
  readonly #table: ShapeTable
  #shape: Shape | undefined
  /** Instead of a shape. */
  #symbols: number[] | undefined

  constructor(table: ShapeTable) {
    this.#table = table
  }

  /** For an object that begins. */
  clear(): void {
    this.#shape = this.#table.root
  }

  /** The place after the name that starts at `at`, if it is the one that followed in the last object of this shape; else -1. */
  takeExpected(text: string, at: number): number {
    const expected = this.#shape?.expected
    if (expected?.quoted === undefined || !text.startsWith(expected.quoted, at)) return -1
    this.#shape = expected
    return at + expected.quoted.length
  }

  add(name: string): void {
    const symbol = intern(name)
    if (this.#shape !== undefined) {
      const next = this.#table.follow(this.#shape, symbol)
      if (next !== undefined) {
        this.#shape = next
        return
      }
      this.#symbols = symbolsOf(this.#shape)
      this.#shape = undefined
    }
    this.#symbols!.push(symbol)
  }

  /** The object whose values are those from `start` to `end`. */
  finish(values: readonly Slot[], start: number, end: number): Attrs {
    const shape = this.#shape
    const { keys, sources } =
      shape === undefined ? orderKeys(this.#symbols!, true) : (shape.order ??= orderKeys(symbolsOf(shape), true))
    if (sources === undefined) return new Attrs(keys, values.slice(start, end))
    const slots: Slot[] = new Array(sources.length)
    for (let i = 0; i < slots.length; i++) slots[i] = values[start + sources[i]!]!
    return new Attrs(keys, slots)
  }
}

function symbolsOf(shape: Shape): number[] {
  const symbols: number[] = new Array(shape.count)
  for (let at: Shape = shape; at.parent !== undefined; at = at.parent) symbols[at.count - 1] = at.symbol
  return symbols
}
