import { hashBytes } from './hash.ts'
import type { RawBuffer } from './raw-buffer.ts'
import { computeSha256WithTail, putTail, SHA256_HEAD, SHA256_INPUT, sha256Digest } from './sha256.ts'

/**
 * A text that is hashed again when some of it has changed: the *head*, which is another each time, and the *tail*, of whose
 * parts those before the first that changed stay where they were put to be hashed.
 */
export class ChangingText {
  #first: readonly string[] = []
  #second: readonly string[] = []
  readonly #tail: string[]
  /** Of the parts of the tail that are not in the memory the first. */
  #changed = 0

  /** Of byte strings. */
  constructor(tail: string[]) {
    this.#tail = tail
  }

  /** Changes a part of the tail. */
  set(index: number, text: string): void {
    this.#tail[index] = text
    this.#changed = Math.min(this.#changed, index)
  }

  /** SHA-256 of the head, in two lists of pieces, and the tail: bytes that stay until the next hash. */
  sha256(first: readonly string[], second: readonly string[]): Uint8Array {
    this.#first = first
    this.#second = second
    const tail = this.#tail
    let headLength = 0
    for (let i = 0; i < first.length; i++) headLength += first[i]!.length
    for (let i = 0; i < second.length; i++) headLength += second[i]!.length
    let tailLength = 0
    for (let i = 0; i < tail.length; i++) tailLength += tail[i]!.length
    if (headLength > SHA256_HEAD || tailLength > SHA256_INPUT) {
      return hashBytes('sha256', this.toString()).bytes
    }
    if (owner !== this) {
      owner = this
      this.#changed = 0
    }
    let index = this.#changed
    let at = index === 0 ? 0 : ends[index - 1]!
    for (; index < tail.length; index++) {
      at = putTail(tail[index]!, at)
      ends[index] = at
    }
    this.#changed = tail.length
    computeSha256WithTail(first, second, headLength, tailLength)
    return sha256Digest
  }

  /** The same in base 16. */
  sha256Base16(first: readonly string[], second: readonly string[]): string {
    return (this.sha256(first, second) as RawBuffer).hexSlice(0, 32)
  }

  /** With the head that was hashed last. */
  toString(): string {
    return this.#first.concat(this.#second, this.#tail).join('')
  }
}

/** Whose tail is in the memory, and where its parts end there. */
let owner: ChangingText | undefined
const ends: number[] = []
