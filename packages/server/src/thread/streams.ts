/** Open streams of a thread: each fills one half of its buffer when asked, and does nothing in between. */
import { closeSync, openSync, readSync } from 'node:fs'
import { decompress } from '@baryon/fetch'
import { createNarReader } from '../nar-reader.ts'
import type { SourceSpec } from './protocol.ts'

export interface Streams {
  open(stream: number, source: SourceSpec, buffer: SharedArrayBuffer): null
  fill(stream: number, half: 0 | 1): number | Promise<number>
  close(stream: number): null
}

export function createStreams(): Streams {
  const streams = new Map<number, { readonly source: Source; readonly halves: readonly [Uint8Array, Uint8Array] }>()
  return {
    open: (stream, spec, buffer) => {
      const size = buffer.byteLength / 2
      streams.set(stream, {
        source: openSource(spec),
        halves: [new Uint8Array(buffer, 0, size), new Uint8Array(buffer, size, size)],
      })
      return null
    },
    fill: (stream, half) => {
      const open = streams.get(stream)
      return open === undefined ? 0 : open.source.fill(open.halves[half])
    },
    close: (stream) => {
      streams.get(stream)?.source.close()
      streams.delete(stream)
      return null
    },
  }
}

interface Source {
  /** Number of bytes; 0 only at the end. */
  fill(target: Uint8Array): number | Promise<number>
  close(): void
}

function openSource(spec: SourceSpec): Source {
  if (spec.kind === 'nar') return createNarReader(spec.path, spec.start, spec.end)
  const { log, decode } = spec
  return decode && log.coding !== 'none'
    ? fromChunks(decompress(chunksOf(log.file), log.coding, `log '${log.file}'`))
    : fromFile(log.file)
}

function fromFile(path: string): Source {
  const fd = openSync(path, 'r')
  return { fill: (target) => readSync(fd, target), close: () => closeSync(fd) }
}

function fromChunks(chunks: AsyncIterable<Uint8Array>): Source {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  return {
    fill: async (target) => {
      let used = 0
      while (used < target.length) {
        if (rest.length === 0) {
          const next = await iterator.next()
          if (next.done === true) break
          rest = next.value
        }
        const length = Math.min(rest.length, target.length - used)
        target.set(rest.subarray(0, length), used)
        rest = rest.subarray(length)
        used += length
      }
      return used
    },
    close: () => void iterator.return?.(),
  }
}

/** A file in pieces, each valid until the next one is asked for: what `decompress` takes. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(CHUNK)
  try {
    for (;;) {
      const count = readSync(fd, buffer)
      if (count === 0) return
      yield buffer.subarray(0, count)
    }
  } finally {
    closeSync(fd)
  }
}

const CHUNK = 65536
