/**
 * The stream of `nix-store --export`: any number of paths, each behind those that it refers to.
 *
 *     1  NAR  "NIXE" (0x4558494e)  path  count references…  deriver (or "")  0      once per path
 *     0                                                                             the end
 *
 * Numbers have 64 bits, little endian; texts are written as in a NAR, and hold full paths. The 0 behind the deriver may
 * be a 1 that a signature follows, which no version of Nix looks at any more.
 */
import type { NarVisitor } from './nar.ts'
import { createNarParser } from './parse-nar.ts'
import { UserError } from './user-error.ts'

/** What follows the NAR of a path. */
export interface ExportedPath {
  readonly path: string
  /** Sorted. */
  readonly references: readonly string[]
  /** Empty when it is not known. */
  readonly deriver: string
}

export interface ExportReader {
  /**
   * Reads one path: its NAR goes to the visitor and, as bytes, to `observe`. Gives undefined at the end mark, behind which
   * nothing is read. Bytes that are not as they should be are an `EXPORT_INVALID` or `NAR_INVALID`.
   */
  next(visitor: NarVisitor, observe: (chunk: Uint8Array) => void): ExportedPath | undefined
}

/** What comes before the NAR of each path. */
export const EXPORT_PATH_START: Uint8Array = number(1)
export const EXPORT_END: Uint8Array = number(0)

/** What comes behind the NAR of a path. */
export function formatExportedPath({ path, references, deriver }: ExportedPath): Uint8Array {
  return Buffer.concat([
    number(MAGIC),
    text(path),
    number(references.length),
    ...references.map(text),
    text(deriver),
    number(0),
  ])
}

/** A reader of chunks, of which each need only be valid until the next one is asked for. Memory stays within a chunk and one path's texts. */
export function createExportReader(chunks: Iterable<Uint8Array>): ExportReader {
  const input = createInput(chunks)
  return {
    next: (visitor, observe) => {
      const start = input.number()
      if (start === 0) return undefined
      if (start !== 1) throw invalid('a path or the end must come here', input.offset() - 8)
      readNar(input, visitor, observe)
      if (input.number() !== MAGIC) throw invalid('the mark behind the NAR is missing', input.offset() - 8)
      const path = input.text(MAX_PATH)
      const count = input.number()
      if (count > MAX_REFERENCES) throw invalid(`${count} references`, input.offset() - 8)
      const references: string[] = []
      while (references.length < count) references.push(input.text(MAX_PATH))
      const deriver = input.text(MAX_PATH)
      if (input.number() === 1) input.text(MAX_SIGNATURE)
      return { path, references: [...new Set(references)].sort(), deriver }
    },
  }
}

function readNar(input: Input, visitor: NarVisitor, observe: (chunk: Uint8Array) => void): void {
  const parser = createNarParser(visitor)
  while (!parser.done) {
    const chunk = input.some()
    const taken = parser.writeSome(chunk)
    observe(chunk.subarray(0, taken))
    input.skip(taken)
  }
}

interface Input {
  number(): number
  text(longest: number): string
  /** What is there of the stream, at least a byte. */
  some(): Uint8Array
  skip(count: number): void
  offset(): number
}

function createInput(chunks: Iterable<Uint8Array>): Input {
  const iterator = chunks[Symbol.iterator]()
  let chunk: Uint8Array = new Uint8Array()
  let before = 0
  let position = 0
  const offset = () => before + position
  const some = (): Uint8Array => {
    while (position === chunk.length) {
      const { value, done } = iterator.next()
      if (done === true) throw invalid('it is cut off', offset())
      before += chunk.length
      chunk = value
      position = 0
    }
    return chunk.subarray(position)
  }
  const take = (count: number): Buffer => {
    const bytes = Buffer.allocUnsafe(count)
    for (let filled = 0; filled < count; ) {
      const part = some().subarray(0, count - filled)
      bytes.set(part, filled)
      filled += part.length
      position += part.length
    }
    return bytes
  }
  const takeNumber = (): number => {
    const value = take(8).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`number ${value}`, offset() - 8)
    return Number(value)
  }
  return {
    number: takeNumber,
    text: (longest) => {
      const length = takeNumber()
      if (length > longest) throw invalid(`a text of ${length} bytes`, offset() - 8)
      const value = take(length).toString('latin1')
      if (take(-length & 7).some((byte) => byte !== 0)) throw invalid('padding is not zero', offset())
      return value
    },
    some,
    skip: (count) => {
      position += count
    },
    offset,
  }
}

function number(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function text(value: string): Uint8Array {
  const bytes = Buffer.alloc(8 + Math.ceil(value.length / 8) * 8)
  bytes.writeUInt32LE(value.length)
  bytes.write(value, 8, 'latin1')
  return bytes
}

function invalid(message: string, offset: number): UserError {
  return new UserError('EXPORT_INVALID', `malformed export stream: ${message} (offset ${offset})`, {
    hint: 'give what nix-store --export wrote',
  })
}

/** `NIXE` in the order of bytes. */
const MAGIC = 0x4558494e
/** No file system takes longer ones. */
const MAX_PATH = 4096
const MAX_REFERENCES = 1_000_000
const MAX_SIGNATURE = 1 << 16
