/**
 * Sets of numbered items ("this file was read"), themselves known by numbers, for uniting them hundreds of thousands of
 * times. A set is a row of pieces of 512 items; equal pieces are one, and equal sets are one, so that most unions compare
 * a few numbers: nearly all sets share what everybody depends on. Set 0 and piece 0 are empty.
 */
export class DependencySets {
  /** A row for each set, of the numbers of its pieces. */
  readonly #rows = new Rows()
  /** The row of a set; -1: not put together yet. */
  readonly #rowOf: number[]
  readonly #setOfRow: number[]
  /** How each set was made: from two earlier sets, or (`~item`) from one and an item. */
  readonly #left: number[] = [0]
  readonly #right: number[] = [0]
  /** A row for each piece, of the bits of its items. */
  readonly #pieces = new Rows()
  readonly #recentSets = new RecentPairs()
  readonly #recentPieces = new RecentPairs()
  /** The row that is being made. */
  #draft = new Int32Array(16)
  readonly #bits = new Int32Array(WORDS)

  constructor() {
    this.#rowOf = [this.#rows.intern(this.#draft, 0)]
    this.#setOfRow = [0]
    this.#pieces.intern(this.#bits, WORDS)
  }

  get count(): number {
    return this.#left.length
  }

  /** How the set was made: `right` is a set, or `~item`. */
  partsOf(set: number): readonly [left: number, right: number] {
    return [this.#left[set]!, this.#right[set]!]
  }

  /** Takes the next set as a former run made it; it is put together when it is needed. */
  restore(left: number, right: number): void {
    this.#left.push(left)
    this.#right.push(right)
    this.#rowOf.push(-1)
  }

  union(a: number, b: number): number {
    if (a === b || b === 0) return a
    if (a === 0) return b
    const known = this.#recentSets.get(a, b)
    if (known >= 0) return known
    const x = this.#rowOfSet(a)
    const y = this.#rowOfSet(b)
    const row = this.#uniteRows(x, y)
    const result = row === x ? a : row === y ? b : this.#setOf(row, a, b)
    this.#recentSets.put(a, b, result)
    return result
  }

  with(set: number, item: number): number {
    const old = this.#rowOfSet(set)
    const row = this.#rowWith(old, item)
    return row === old ? set : this.#setOf(row, set, ~item)
  }

  has(set: number, item: number): boolean {
    const row = this.#rowOfSet(set)
    const inside = item % ITEMS
    return (this.#pieces.at(this.#rows.at(row, Math.floor(item / ITEMS)), inside >>> 5) & (1 << (inside & 31))) !== 0
  }

  #setOf(row: number, left: number, right: number): number {
    const known = this.#setOfRow[row]
    if (known !== undefined) return known
    const set = this.#left.length
    this.#left.push(left)
    this.#right.push(right)
    this.#rowOf.push(row)
    this.#setOfRow[row] = set
    return set
  }

  #rowOfSet(set: number): number {
    const known = this.#rowOf[set]!
    if (known >= 0) return known
    // Earlier sets first, without recursion: a chain of them may be long.
    const pending = [set]
    while (pending.length > 0) {
      const next = pending[pending.length - 1]!
      const left = this.#left[next]!
      const right = this.#right[next]!
      const x = this.#rowOf[left]!
      const y = right < 0 ? 0 : this.#rowOf[right]!
      if (x < 0) pending.push(left)
      else if (y < 0) pending.push(right)
      else {
        pending.pop()
        const row = right < 0 ? this.#rowWith(x, ~right) : this.#uniteRows(x, y)
        this.#rowOf[next] = row
        this.#setOfRow[row] ??= next
      }
    }
    return this.#rowOf[set]!
  }

  #uniteRows(x: number, y: number): number {
    const rows = this.#rows
    const length = Math.max(rows.length(x), rows.length(y))
    const draft = this.#draftOf(length)
    for (let i = 0; i < length; i++) {
      const p = rows.at(x, i)
      const q = rows.at(y, i)
      draft[i] = p === q || q === 0 ? p : p === 0 ? q : this.#unitePieces(p, q)
    }
    return rows.intern(draft, length)
  }

  #rowWith(row: number, item: number): number {
    const rows = this.#rows
    const place = Math.floor(item / ITEMS)
    const length = Math.max(rows.length(row), place + 1)
    const draft = this.#draftOf(length)
    for (let i = 0; i < length; i++) draft[i] = rows.at(row, i)
    const bits = this.#bits
    for (let i = 0; i < WORDS; i++) bits[i] = this.#pieces.at(draft[place]!, i)
    const inside = item % ITEMS
    bits[inside >>> 5]! |= 1 << (inside & 31)
    draft[place] = this.#pieces.intern(bits, WORDS)
    return rows.intern(draft, length)
  }

  #unitePieces(p: number, q: number): number {
    const known = this.#recentPieces.get(p, q)
    if (known >= 0) return known
    const bits = this.#bits
    for (let i = 0; i < WORDS; i++) bits[i] = this.#pieces.at(p, i) | this.#pieces.at(q, i)
    const piece = this.#pieces.intern(bits, WORDS)
    this.#recentPieces.put(p, q, piece)
    return piece
  }

  #draftOf(length: number): Int32Array {
    if (this.#draft.length < length) this.#draft = new Int32Array(2 * length)
    return this.#draft
  }
}

const ITEMS = 512
const WORDS = ITEMS / 32

/** Rows of numbers, each under a number of its own; equal rows are one. One array for all: small typed arrays are large. */
class Rows {
  #numbers = new Int32Array(1024)
  readonly #ends: number[] = []
  /** Numbers of rows + 1 by their hash, with open addressing. */
  #table = new Int32Array(1024)

  length(row: number): number {
    return this.#ends[row]! - (row === 0 ? 0 : this.#ends[row - 1]!)
  }

  /** 0 behind the end. */
  at(row: number, index: number): number {
    const start = row === 0 ? 0 : this.#ends[row - 1]!
    return start + index < this.#ends[row]! ? this.#numbers[start + index]! : 0
  }

  intern(row: Int32Array, length: number): number {
    let place = this.#placeOf(hashOf(row, 0, length))
    for (let known = this.#table[place]!; known !== 0; known = this.#table[place]!) {
      if (this.#isEqual(known - 1, row, length)) return known - 1
      place = (place + 1) & (this.#table.length - 1)
    }
    const start = this.#ends.length === 0 ? 0 : this.#ends[this.#ends.length - 1]!
    if (start + length > this.#numbers.length) this.#numbers = enlarged(this.#numbers, start + length)
    for (let i = 0; i < length; i++) this.#numbers[start + i] = row[i]!
    this.#ends.push(start + length)
    this.#table[place] = this.#ends.length
    if (2 * this.#ends.length > this.#table.length) this.#enlargeTable()
    return this.#ends.length - 1
  }

  #placeOf(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 8) & (this.#table.length - 1)
  }

  #isEqual(known: number, row: Int32Array, length: number): boolean {
    if (this.length(known) !== length) return false
    const start = this.#ends[known]! - length
    for (let i = 0; i < length; i++) if (this.#numbers[start + i] !== row[i]) return false
    return true
  }

  #enlargeTable(): void {
    const table = new Int32Array(4 * this.#table.length)
    this.#table = table
    for (let number = 0; number < this.#ends.length; number++) {
      const length = this.length(number)
      const start = this.#ends[number]! - length
      let place = this.#placeOf(hashOf(this.#numbers, start, length))
      while (table[place] !== 0) place = (place + 1) & (table.length - 1)
      table[place] = number + 1
    }
  }
}

function hashOf(numbers: Int32Array, start: number, length: number): number {
  let hash = length
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ numbers[i]!, 0x85ebca6b) ^ (hash >>> 13)
  return hash
}

function enlarged(numbers: Int32Array, atLeast: number): Int32Array<ArrayBuffer> {
  const result = new Int32Array(Math.max(2 * numbers.length, atLeast))
  result.set(numbers)
  return result
}

/** The last results for pairs of numbers. */
class RecentPairs {
  readonly #entries = new Int32Array(3 << RECENT_BITS)

  /** -1: not known. */
  get(a: number, b: number): number {
    const at = placeOfPair(a, b)
    const entries = this.#entries
    return entries[at] === a && entries[at + 1] === b ? entries[at + 2]! : -1
  }

  put(a: number, b: number, result: number): void {
    const at = placeOfPair(a, b)
    this.#entries[at] = a
    this.#entries[at + 1] = b
    this.#entries[at + 2] = result
  }
}

const RECENT_BITS = 14

function placeOfPair(a: number, b: number): number {
  return 3 * ((Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77)) >>> (32 - RECENT_BITS))
}
