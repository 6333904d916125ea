/** A range of the NAR of a tree on disk, written into buffers at the pace of whoever wants it. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { createNarWriter, type NarWriter, UserError } from '@baryon/format'
import { nativePath, pathBytes } from '@baryon/store'
import { type TreeEvent, treeEvents } from './tree-events.ts'

export interface NarReader {
  /** Fills the buffer from its start as far as there are bytes; gives their number, 0 only at the end of the range. */
  fill(target: Uint8Array): number
  close(): void
}

/**
 * Bytes `start` to `end` of the NAR of the tree at `path`. Errors of the file system come through as they are; a file
 * that is not as long as it was a moment ago gives `FILE_CHANGED`.
 */
export function createNarReader(path: string, start: number, end: number): NarReader {
  return new Reader(path, start, end)
}

/** Bytes that come next: some that are here, or some of a file. */
type Segment = Uint8Array | { readonly path: string; readonly offset: number; readonly length: number }

class Reader implements NarReader {
  readonly #events: Generator<TreeEvent>
  readonly #writer: NarWriter
  readonly #segments: Segment[] = []
  /** The file whose contents the writer is being told, and how many of them it has been told. */
  #file: Extract<TreeEvent, { kind: 'file' }> | undefined
  #told = 0
  #offset = 0
  readonly #start: number
  readonly #end: number
  #open: { readonly path: string; readonly fd: number } | undefined
  #ended = false

  constructor(path: string, start: number, end: number) {
    this.#events = treeEvents(pathBytes(path))
    this.#writer = createNarWriter((chunk) => this.#accept(chunk))
    this.#start = start
    this.#end = end
  }

  fill(target: Uint8Array): number {
    let used = 0
    while (used < target.length) {
      const segment = this.#segments.shift()
      if (segment === undefined) {
        if (this.#ended || this.#offset >= this.#end) break
        this.#advance()
        continue
      }
      const length = Math.min(segment.length, target.length - used)
      if (segment instanceof Uint8Array) target.set(segment.subarray(0, length), used)
      else this.#read(segment.path, segment.offset, target.subarray(used, used + length))
      used += length
      if (length < segment.length) this.#segments.unshift(rest(segment, length))
    }
    return used
  }

  close(): void {
    this.#ended = true
    this.#segments.length = 0
    this.#closeFile()
  }

  /** One step through the tree. */
  #advance(): void {
    if (this.#file !== undefined) {
      this.#tellContents(this.#file)
      return
    }
    const { value: event, done } = this.#events.next()
    if (done === true) {
      this.#writer.end()
      this.#ended = true
      return
    }
    switch (event.kind) {
      case 'directory':
        this.#writer.startDirectory()
        break
      case 'end':
        this.#writer.endDirectory()
        break
      case 'entry':
        this.#writer.entry(event.name)
        break
      case 'symlink':
        this.#writer.symlink(event.target)
        break
      case 'file':
        this.#writer.startFile(event.size, event.executable)
        this.#file = event
        this.#told = 0
    }
  }

  /**
   * The writer passes large pieces through without looking at them, so it is given a stand-in of the right length, which
   * `#accept` turns into a segment: contents are then read straight into the client's buffer, or, before a range's
   * start, never. Small files are read here, for the writer packs many of them into one piece.
   */
  #tellContents(file: Extract<TreeEvent, { kind: 'file' }>): void {
    const left = file.size - this.#told
    if (left === 0) {
      this.#file = undefined
      this.#writer.endFile()
      return
    }
    const length = pieceLength(left)
    if (file.size < SMALL && this.#writer.size + length > this.#start) {
      const bytes = scratch.subarray(0, length)
      this.#read(file.path, 0, bytes)
      this.#closeFile()
      this.#writer.content(bytes)
    } else {
      this.#writer.content(STAND_IN.subarray(0, length))
    }
    this.#told += length
  }

  #accept(chunk: Uint8Array): void {
    const from = Math.max(0, this.#start - this.#offset)
    const to = Math.min(chunk.length, this.#end - this.#offset)
    this.#offset += chunk.length
    if (from >= to) return
    if (chunk.buffer !== STAND_IN.buffer) this.#segments.push(Uint8Array.prototype.slice.call(chunk, from, to))
    else this.#segments.push({ path: this.#file!.path, offset: this.#told + from, length: to - from })
  }

  #read(path: string, offset: number, target: Uint8Array): void {
    if (this.#open?.path !== path) {
      this.#closeFile()
      this.#open = { path, fd: openSync(nativePath(path), constants.O_RDONLY | constants.O_NOFOLLOW) }
    }
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#open.fd, target, done, target.length - done, offset + done)
      if (count === 0) throw new UserError('FILE_CHANGED', `'${path}' changed while it was sent`)
      done += count
    }
  }

  #closeFile(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd)
    this.#open = undefined
  }
}

/** As the writer's own buffer: a piece of this size or more is never copied into it. */
const SMALL = 65536
const STAND_IN = Buffer.alloc(1 << 20)
const scratch = Buffer.allocUnsafeSlow(SMALL)

/** Never leaves a remainder that would be small. */
function pieceLength(left: number): number {
  if (left <= STAND_IN.length) return left
  return left < STAND_IN.length + SMALL ? left >> 1 : STAND_IN.length
}

function rest(segment: Segment, taken: number): Segment {
  if (segment instanceof Uint8Array) return segment.subarray(taken)
  return { path: segment.path, offset: segment.offset + taken, length: segment.length - taken }
}
