/**
 * Numbers for texts, from 0 up in the order in which they came.
 *
 * A table of our own, because a `Map` of V8 enters each new string in V8's own table of strings first, by a call out of
 * compiled code: for texts that were just made it takes twice as long, for those of a file a quarter more.
 */
export class TextTable {
  readonly #hash: (text: string) => number
  readonly #texts: string[] = []
  /** Open addressing: at twice the place the hash of a text, behind it its number and one; 0 where there is none. */
  #table = new Int32Array(2 * 4096)
  #mask = 4096 - 1

  /** The hash of texts as 32 bits. */
  constructor(hash: (text: string) => number) {
    this.#hash = hash
  }

  /** The number of a text (bytes), which it keeps. */
  numberOf(text: string): number {
    const hash = this.#hash(text)
    const at = this.#find(text, hash)
    const known = this.#table[at + 1]!
    if (known !== 0) return known - 1
    this.#texts.push(text)
    this.#table[at] = hash
    this.#table[at + 1] = this.#texts.length
    if (2 * this.#texts.length > this.#mask) this.#grow()
    return this.#texts.length - 1
  }

  /** The number of a text that has one. */
  find(text: string): number | undefined {
    const known = this.#table[this.#find(text, this.#hash(text)) + 1]!
    return known === 0 ? undefined : known - 1
  }

  textOf(number: number): string {
    return this.#texts[number]!
  }

  /** Where the text is, or would be. */
  #find(text: string, hash: number): number {
    const table = this.#table
    const mask = this.#mask
    let place = hash & mask
    for (;;) {
      const at = 2 * place
      const known = table[at + 1]!
      if (known === 0 || (table[at] === hash && this.#texts[known - 1] === text)) return at
      place = (place + 1) & mask
    }
  }

  #grow(): void {
    const former = this.#table
    const table = new Int32Array(2 * former.length)
    const mask = table.length / 2 - 1
    for (let i = 0; i < former.length; i += 2) {
      if (former[i + 1] === 0) continue
      let place = former[i]! & mask
      while (table[2 * place + 1] !== 0) place = (place + 1) & mask
      table[2 * place] = former[i]!
      table[2 * place + 1] = former[i + 1]!
    }
    this.#table = table
    this.#mask = mask
  }
}
