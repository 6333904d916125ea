import {
  checkNarName,
  checkNarTarget,
  MAX_NAR_DEPTH,
  MAX_NAR_NAME_LENGTH,
  MAX_NAR_TARGET_LENGTH,
  type NarVisitor,
  narError,
} from './nar.ts'
import { quoteBytes } from './quote-bytes.ts'

export interface NarParser {
  /** Reads a chunk, calling the visitor. Contents are given on without a copy; the chunk is not kept. */
  write(chunk: Uint8Array): void
  /** Refuses an archive that is cut off. */
  end(): void
  /** Bytes read so far. */
  readonly size: number
  /** True behind the last byte of the archive. */
  readonly done: boolean
  /**
   * Like `write`, but stops behind the archive's last byte and gives the number of bytes taken: for archives inside
   * another stream. `write` refuses what follows instead.
   */
  writeSome(chunk: Uint8Array): number
}

/**
 * A strict parser for archives of any origin: only canonical archives pass (what passes, written again, has the same
 * bytes), everything else is a `UserError` with the offset. Memory stays below 10 KiB plus one name per open directory,
 * whatever sizes the archive declares.
 */
export function createNarParser(visitor: NarVisitor): NarParser {
  return new Parser(visitor)
}

class Parser implements NarParser {
  readonly #visitor: NarVisitor
  #state: State = 'magic'
  /** Length of the string whose bytes come next, or -1 when its length comes next. */
  #length = -1
  /** The start of a step (a length, a padded string, a padding) that is split between chunks. */
  readonly #held = Buffer.allocUnsafe(MAX_NAR_TARGET_LENGTH + 1)
  #heldLength = 0
  #offset = 0
  #fileLeft = 0
  #filePadding = 0
  #executable = false
  /** The last name in each open directory. */
  readonly #names: string[] = []

  constructor(visitor: NarVisitor) {
    this.#visitor = visitor
  }

  get size(): number {
    return this.#offset + this.#heldLength
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  write(chunk: Uint8Array): void {
    if (this.writeSome(chunk) < chunk.length) throw narError('something follows its end', this.#offset)
  }

  writeSome(chunk: Uint8Array): number {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let position = 0
    while (position < bytes.length && this.#state !== 'done') {
      if (this.#fileLeft > 0) {
        const end = Math.min(bytes.length, position + this.#fileLeft)
        this.#visitor.content(bytes.subarray(position, end))
        this.#fileLeft -= end - position
        this.#offset += end - position
        position = end
        if (this.#fileLeft === 0 && this.#filePadding === 0) this.#endFile()
        continue
      }
      const need = this.#state === 'file' ? this.#filePadding : this.#length < 0 ? 8 : (this.#length + 7) & ~7
      const missing = need - this.#heldLength
      if (bytes.length - position < missing) {
        this.#heldLength += bytes.copy(this.#held, this.#heldLength, position)
        return bytes.length
      }
      if (this.#heldLength === 0) {
        this.#step(bytes, position, need)
      } else {
        bytes.copy(this.#held, this.#heldLength, position, position + missing)
        this.#heldLength = 0
        this.#step(this.#held, 0, need)
      }
      this.#offset += need
      position += missing
    }
    return position
  }

  end(): void {
    if (this.#state !== 'done') throw narError('it is cut off', this.size)
  }

  /** Takes the `need` bytes at `start`; `#offset` is still that of the first of them, for messages. */
  #step(bytes: Buffer, start: number, need: number): void {
    if (this.#state === 'file') {
      this.#checkPadding(bytes, start, start + need)
      this.#endFile()
    } else if (this.#length < 0) {
      this.#acceptLength(bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4))
    } else {
      const end = start + this.#length
      this.#length = -1
      this.#checkPadding(bytes, end, start + need)
      this.#acceptString(bytes.toString('latin1', start, end))
    }
  }

  #acceptLength(low: number, high: number): void {
    const length = high * 0x1_0000_0000 + low
    if (this.#state === 'contents') {
      if (length > Number.MAX_SAFE_INTEGER) throw narError('a file declares 2^53 bytes or more', this.#offset)
      this.#visitor.startFile(length, this.#executable)
      this.#fileLeft = length
      this.#filePadding = -low & 7
      this.#state = 'file'
      if (length === 0) this.#endFile()
    } else if (length > longest(this.#state)) {
      throw narError(`expected ${expected(this.#state)}, found a string of ${length} bytes`, this.#offset)
    } else if (length === 0) {
      this.#acceptString('')
    } else {
      this.#length = length
    }
  }

  #acceptString(text: string): void {
    switch (this.#state) {
      case 'name':
        checkNarName(text, this.#names.at(-1)!, this.#offset)
        this.#names[this.#names.length - 1] = text
        this.#visitor.entry(text)
        this.#state = 'node'
        return
      case 'target':
        checkNarTarget(text, this.#offset)
        this.#visitor.symlink(text)
        this.#state = 'close'
        return
    }
    // Words are compared as decoded strings: all of a file's take 2 µs, little beside its creation.
    const next = WORDS[this.#state]?.get(text)
    if (next === undefined) throw narError(`expected ${expected(this.#state)}, found ${quoteBytes(text)}`, this.#offset)
    const before = this.#state
    this.#state = next
    if (next === 'regular') {
      this.#executable = false
    } else if (next === 'executable') {
      this.#executable = true
    } else if (next === 'directory' && before === 'kind') {
      if (this.#names.length >= MAX_NAR_DEPTH) {
        throw narError(`directories are nested more than ${MAX_NAR_DEPTH} deep`, this.#offset)
      }
      this.#names.push('')
      this.#visitor.startDirectory()
    } else if (next === 'closed') {
      if (before === 'directory') {
        this.#names.pop()
        this.#visitor.endDirectory()
      }
      this.#state = this.#names.length === 0 ? 'done' : 'entry close'
    }
  }

  #endFile(): void {
    this.#state = 'close'
    this.#visitor.endFile()
  }

  #checkPadding(bytes: Buffer, start: number, end: number): void {
    for (let index = start; index < end; index++) {
      if (bytes[index] !== 0) throw narError('padding is not zero', this.#offset)
    }
  }
}

/** What comes next: a word of the grammar, or one of `name`, `target`, `contents` (a length) and `file` (bytes, padding). */
type State =
  | 'magic'
  | 'open'
  | 'type word'
  | 'kind'
  | 'regular'
  | 'executable'
  | 'contents word'
  | 'contents'
  | 'file'
  | 'target word'
  | 'target'
  | 'directory'
  | 'entry open'
  | 'name word'
  | 'name'
  | 'node'
  | 'close'
  | 'entry close'
  | 'closed'
  | 'done'

/** The words that may come in a state, and the state behind each. */
const WORDS: Readonly<Partial<Record<State, ReadonlyMap<string, State>>>> = {
  magic: new Map([['nix-archive-1', 'open']]),
  open: new Map([['(', 'type word']]),
  'type word': new Map([['type', 'kind']]),
  kind: new Map<string, State>([
    ['regular', 'regular'],
    ['directory', 'directory'],
    ['symlink', 'target word'],
  ]),
  regular: new Map<string, State>([
    ['contents', 'contents'],
    ['executable', 'executable'],
  ]),
  executable: new Map([['', 'contents word']]),
  'contents word': new Map([['contents', 'contents']]),
  'target word': new Map([['target', 'target']]),
  directory: new Map<string, State>([
    ['entry', 'entry open'],
    [')', 'closed'],
  ]),
  'entry open': new Map([['(', 'name word']]),
  'name word': new Map([['name', 'name']]),
  node: new Map([['node', 'open']]),
  close: new Map([[')', 'closed']]),
  'entry close': new Map([[')', 'directory']]),
}

const LONGEST_WORD = 'nix-archive-1'.length

function longest(state: State): number {
  return state === 'name' ? MAX_NAR_NAME_LENGTH : state === 'target' ? MAX_NAR_TARGET_LENGTH : LONGEST_WORD
}

function expected(state: State): string {
  const words = WORDS[state]
  if (words === undefined) return state === 'name' ? 'a file name' : 'a symlink target'
  return [...words.keys()].map(quoteBytes).join(' or ')
}
