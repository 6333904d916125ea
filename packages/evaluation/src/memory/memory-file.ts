/**
 * What a former run computed, on disk: one file per request, beside its answer. Little-endian: magic "BMR1", a sha256 of
 * all that follows, the lengths of seven sections, the sections. A file is written aside and renamed; one that cannot be
 * read or does not fit is as if it were not there.
 */
import { readFileSync } from 'node:fs'
import { hashBytesBase16, sha256OfParts } from '@baryon/format'
import type { Dependencies, Item } from '../dependencies.ts'
import { keepFile } from '../keep-file.ts'
import { removeOld } from '../remove-old.ts'

/** Where the memory of a request is kept, and the whole of what makes the request another one. */
export interface MemoryPlace {
  readonly path: string
  readonly key: string
}

export interface MemoryFile {
  /** What the whole depends on, not only parts of it. */
  readonly global: Dependencies
  /** What was asked of the world, and the answer; null: something that is no longer so. */
  readonly items: readonly (Item | null)[]
  /** How each set but the empty one was made: two earlier sets, or a set and `~item`. */
  readonly sets: Int32Array
  /** Four numbers each: both halves of a thunk's name, the set of what it depends on, its value. */
  readonly entries: Int32Array
  /** Names of attributes that many values share. */
  readonly shapes: readonly (readonly string[])[]
  /** JSON of each value; see `value-writer.ts`. */
  readonly values: Lines
  /** JSON of each derivation that a value refers to. */
  readonly derivations: Lines
  /** Text files of the store and what they refer to. */
  readonly texts: Readonly<Record<string, readonly string[]>>
  /** Size of the file when it was last made without a former one, in bytes. */
  readonly firstSize: number
}

/** Texts one behind the other (latin-1: bytes), each decoded when it is asked for. */
export class Lines {
  readonly ends: Uint32Array
  readonly bytes: Buffer
  constructor(ends: Uint32Array, bytes: Buffer) {
    this.ends = ends
    this.bytes = bytes
  }

  get count(): number {
    return this.ends.length
  }

  at(index: number): string {
    return this.bytes.toString('latin1', index === 0 ? 0 : this.ends[index - 1]!, this.ends[index]!)
  }

  with(more: readonly string[]): Lines {
    const ends = new Uint32Array(this.ends.length + more.length)
    ends.set(this.ends)
    let end = this.bytes.length
    for (let i = 0; i < more.length; i++) {
      end += more[i]!.length
      ends[this.ends.length + i] = end
    }
    const added = Buffer.from(more.join(''), 'latin1')
    return new Lines(ends, this.bytes.length === 0 ? added : Buffer.concat([this.bytes, added]))
  }
}

export const NO_LINES = new Lines(new Uint32Array(0), Buffer.alloc(0))

export function readMemoryFile({
  path,
  key,
}: MemoryPlace): { readonly file: MemoryFile; readonly size: number } | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined
  }
  if (bytes.length < HEADER_SIZE || bytes.toString('latin1', 0, 4) !== MAGIC) return undefined
  if (hashBytesBase16('sha256', bytes.subarray(36)) !== bytes.toString('hex', 4, 36)) return undefined
  const sections: Buffer[] = []
  let at = HEADER_SIZE
  for (let i = 0; i < SECTIONS; i++) {
    const length = bytes.readUInt32LE(36 + 4 * i)
    sections.push(bytes.subarray(at, at + length))
    at += length
  }
  if (at !== bytes.length) return undefined
  const [head, sets, entries, valueEnds, values, derivationEnds, derivations] = sections as Seven
  const { global, items, shapes, texts, firstSize, request } = JSON.parse(head.toString('utf8')) as Head
  if (request !== key) return undefined
  const file = {
    global,
    items,
    shapes,
    texts,
    firstSize,
    sets: numbers(sets),
    entries: numbers(entries),
    values: new Lines(new Uint32Array(numbers(valueEnds).buffer), values),
    derivations: new Lines(new Uint32Array(numbers(derivationEnds).buffer), derivations),
  }
  return { file, size: bytes.length }
}

/** Failures (no space, no permission) are no errors: the next run just computes everything. */
export function writeMemoryFile({ path, key }: MemoryPlace, file: MemoryFile): void {
  const { global, items, shapes, texts } = file
  const rest = [
    file.sets,
    file.entries,
    file.values.ends,
    file.values.bytes,
    file.derivations.ends,
    file.derivations.bytes,
  ]
  const restSize = rest.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const head: Head = { global, items, shapes, texts, firstSize: file.firstSize || restSize, request: key }
  const sections = [Buffer.from(JSON.stringify(head), 'utf8'), ...rest.map(bytesOfArray)]
  const lengths = new Uint32Array(sections.map(({ length }) => length))
  const body = [bytesOfArray(lengths), ...sections]
  if (keepFile(path, [Buffer.from(MAGIC), sha256OfParts(body).bytes, ...body])) {
    removeOld(path.slice(0, path.lastIndexOf('/')), MAX_BYTES)
  }
}

const MAGIC = 'BMR1'
/** Of all such files: a package of a large set takes 2 MB, a whole set of 7,000 packages 70. */
const MAX_BYTES = 500_000_000
const SECTIONS = 7
const HEADER_SIZE = 36 + 4 * SECTIONS

type Head = Pick<MemoryFile, 'global' | 'items' | 'shapes' | 'texts' | 'firstSize'> & { readonly request: string }
type Seven = [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]

/** A copy, because sections begin anywhere. */
function numbers(section: Buffer): Int32Array<ArrayBuffer> {
  const result = new Int32Array(section.length >>> 2)
  Buffer.from(result.buffer).set(section.subarray(0, 4 * result.length))
  return result
}

function bytesOfArray(array: Int32Array | Uint32Array | Buffer): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}
