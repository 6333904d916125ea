/**
 * What `write` and `toString` of a buffer call once they have looked at their arguments: with a short text that takes
 * longer than the rest. Node does not document them, and has them since there are buffers.
 */
export interface RawBuffer extends Buffer<ArrayBuffer> {
  /** Writes so many chars as bytes from an offset; gives their number. */
  latin1Write(text: string, offset: number, length: number): number
  latin1Slice(start: number, end: number): string
  hexSlice(start: number, end: number): string
}
