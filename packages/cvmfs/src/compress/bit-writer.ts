/** Bits of a deflate stream: the lowest one of a value first, into bytes from the lowest bit up. */
export class BitWriter {
  readonly #bytes: number[] = []
  #pending = 0
  #count = 0

  /** At most 16 of them. */
  bits(value: number, count: number): void {
    this.#pending |= value << this.#count
    this.#count += count
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#pending & 0xff)
      this.#pending >>>= 8
    }
  }

  /** The rest of the byte is zero. */
  align(): void {
    if (this.#count > 0) this.bits(0, 8 - this.#count)
  }

  /** Whole bytes were written. */
  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes)
  }
}
