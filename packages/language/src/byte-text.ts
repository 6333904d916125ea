/**
 * A text of bytes under construction. Long texts from many small pieces cost no string for each step: the pieces of a
 * JSON text of 3 MB kept the garbage collector busy for longer than the writing took.
 */
export class ByteText {
  #bytes = Buffer.allocUnsafeSlow(1 << 14)
  #used = 0

  /**
   * What `work` adds. May be called again inside `work`: what is under construction outside then stays as it is, and
   * after an error as well.
   */
  collect(work: () => void): string {
    const start = this.#used
    try {
      work()
      return this.#bytes.toString('latin1', start, this.#used)
    } finally {
      this.#used = start
      if (start === 0 && this.#bytes.length > MOST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(1 << 14)
    }
  }

  add(text: string): void {
    const { length } = text
    if (this.#used + length > this.#bytes.length) this.#grow(length)
    // A call of the native writer costs as much as some dozens of bytes.
    if (length > 48) {
      this.#used += this.#bytes.write(text, this.#used, 'latin1')
      return
    }
    const bytes = this.#bytes
    let at = this.#used
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
    this.#used = at
  }

  addByte(byte: number): void {
    if (this.#used === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#used++] = byte
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#used + needed))
    this.#bytes.copy(larger, 0, 0, this.#used)
    this.#bytes = larger
  }
}

/** Bytes of memory that a text may leave behind for the next one. */
const MOST_KEPT = 1 << 22
