import { UserError } from '@baryon/format'

/**
 * Bytes in pieces, each of which is valid until the next one is asked for: sources use their memory again, because the
 * first touch of fresh memory costs as much as filling it.
 */
export type ByteSource = AsyncIterable<Uint8Array>

/** Reads exact amounts out of a stream of chunks. Views it returns are valid until the next call. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #what: string
  #chunk: Uint8Array = new Uint8Array(0)
  #position = 0

  /** `what` names the input in errors. */
  constructor(source: ByteSource, what: string) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#what = what
  }

  /** Between 1 and `limit` bytes, or undefined at the end. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    if (!(await this.#fill())) return undefined
    const end = Math.min(this.#chunk.length, this.#position + limit)
    const part = this.#chunk.subarray(this.#position, end)
    this.#position = end
    return part
  }

  /** Exactly `length` bytes; undefined at a clean end; an error when the input ends within them. */
  async block(length: number): Promise<Uint8Array | undefined> {
    const first = await this.some(length)
    if (first === undefined || first.length === length) return first
    const whole = new Uint8Array(length)
    whole.set(first)
    let filled = first.length
    while (filled < length) {
      const part = await this.some(length - filled)
      if (part === undefined) throw truncated(this.#what)
      whole.set(part, filled)
      filled += part.length
    }
    return whole
  }

  async exactly(length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0)
    const block = await this.block(length)
    if (block === undefined) throw truncated(this.#what)
    return block
  }

  /** Hands exactly `length` bytes to `sink`, in pieces. */
  async forward(length: number, sink: (chunk: Uint8Array) => void): Promise<void> {
    let left = length
    while (left > 0) {
      const part = await this.some(left)
      if (part === undefined) throw truncated(this.#what)
      sink(part)
      left -= part.length
    }
  }

  async skip(length: number): Promise<void> {
    await this.forward(length, () => {})
  }

  /** Reads to the end, so that checks at the end of a compressed stream are made. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  /** Lets the source release what it holds; to be called when reading stops early. */
  async close(): Promise<void> {
    await this.#iterator.return?.()
  }

  async #fill(): Promise<boolean> {
    while (this.#position >= this.#chunk.length) {
      const next = await this.#iterator.next()
      if (next.done === true) return false
      this.#chunk = next.value
      this.#position = 0
    }
    return true
  }
}

function truncated(what: string): UserError {
  return new UserError('ARCHIVE_CORRUPT', `${what} is truncated: it ends in the middle of an entry`, {
    hint: 'fetch the file again, and check its hash',
  })
}
