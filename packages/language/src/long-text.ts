/**
 * A text under construction, of any number of small pieces. V8 joins two strings by an object of 32 bytes that refers to
 * both, and keeps all of them until somebody reads the text: for one of 3 MB the garbage collector moved them for longer
 * than the writing took. So each few KB become plain characters as soon as they are there.
 */
export class LongText {
  #done = ''
  #part = ''

  add(piece: string): void {
    this.#part += piece
    if (this.#part.length > MOST_IN_PIECES) this.#flatten()
  }

  get text(): string {
    return this.#done + this.#part
  }

  #flatten(): void {
    // The search makes its subject flat, which the string itself remembers.
    ANYTHING.test(this.#part)
    this.#done += this.#part
    this.#part = ''
  }
}

const MOST_IN_PIECES = 1 << 12
const ANYTHING = /^/
