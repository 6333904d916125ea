/** A kind of input that comes from outside, and what reads it here. */
export interface Format {
  readonly name: string
  /** Whole inputs, made by real programs where there are some. `directory` is empty, and for this alone. */
  samples(directory: string): readonly Uint8Array[]
  /** Words that mean something in the format, as byte strings. */
  readonly words?: readonly string[]
  /** Mends what would keep a damaged input from being read at all, such as the checksum of a header. */
  mend?(bytes: Buffer): void
  /** Reads an input. Must end, and may throw nothing but a `UserError`. It may write below `directory`, which is empty. */
  read(bytes: Buffer, directory: string): Promise<void> | void
  /** It writes files: slower, and looked at for what it writes elsewhere. */
  readonly writes?: boolean
}
