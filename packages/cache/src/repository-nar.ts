/** The NAR of a tree in a CVMFS repository. Objects are fetched ahead of their turn, side by side. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type Entry, type Piece, piecesOf, type Revision } from '@baryon/cvmfs'
import { createNarWriter, quoteBytes, UserError } from '@baryon/format'

export interface TreeObjects {
  /** A local file with the bytes of a piece, verified. */
  fetch(entry: Entry, piece: Piece): Promise<string>
}

export interface TreeNarOptions {
  /** A path that is no part of the tree. */
  readonly without?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Sends the archive to `sink`, in chunks that are valid during the call only. Throws `CVMFS_NO_NAR` for what an archive cannot have,
 * and whatever fetching and `sink` throw.
 */
export async function writeTreeNar(
  revision: Revision,
  top: Entry,
  objects: TreeObjects,
  sink: (chunk: Uint8Array) => void,
  { without, signal }: TreeNarOptions,
): Promise<void> {
  const writer = createNarWriter(sink)
  const buffer = Buffer.allocUnsafe(PIECE)
  const steps = stepsOf(revision, top, without, signal)
  const underway: { readonly step: Step; readonly files: readonly Promise<string>[] }[] = []
  let pieces = 0
  for (;;) {
    while (pieces < AHEAD && underway.length < AHEAD) {
      const next = await steps.next()
      if (next.done === true) break
      const step = next.value
      const files = step.kind === 'file' ? piecesOf(step.entry).map((piece) => objects.fetch(step.entry, piece)) : []
      // Whoever comes to it in its turn hears of an error, if anybody does.
      for (const file of files) file.catch(ignore)
      pieces += files.length
      underway.push({ step, files })
    }
    const first = underway.shift()
    if (first === undefined) break
    signal.throwIfAborted()
    const { step, files } = first
    if (step.kind !== 'end' && step.entry !== top) writer.entry(step.entry.name)
    switch (step.kind) {
      case 'directory':
        writer.startDirectory()
        break
      case 'end':
        writer.endDirectory()
        break
      case 'symlink':
        writer.symlink(step.entry.target)
        break
      case 'file':
        writer.startFile(step.entry.size, (step.entry.mode & OWNER_MAY_EXECUTE) !== 0)
        for (const file of files) copy(await file, buffer, (chunk) => writer.content(chunk))
        writer.endFile()
        break
    }
    pieces -= files.length
  }
  writer.end()
}

type Step =
  | { readonly kind: 'directory' | 'file' | 'symlink'; readonly entry: Entry }
  /** Of a directory. */
  | { readonly kind: 'end' }

async function* stepsOf(
  revision: Revision,
  entry: Entry,
  without: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  if (entry.kind === 'special') {
    throw new UserError('CVMFS_NO_NAR', `${quoteBytes(entry.path)} is a device or a pipe, which no store path can have`)
  }
  yield { kind: entry.kind, entry }
  if (entry.kind !== 'directory') return
  for (const child of await revision.list(entry.path, signal)) {
    if (child.path !== without) yield* stepsOf(revision, child, without, signal)
  }
  yield { kind: 'end' }
}

function copy(file: string, buffer: Buffer, sink: (chunk: Uint8Array) => void): void {
  const descriptor = openSync(file, 'r')
  try {
    for (let count = readSync(descriptor, buffer); count > 0; count = readSync(descriptor, buffer)) {
      sink(buffer.subarray(0, count))
    }
  } finally {
    closeSync(descriptor)
  }
}

function ignore(): void {}

/** Objects, and steps, that may be looked at before their turn. */
const AHEAD = 64
const PIECE = 256 * 1024
const OWNER_MAY_EXECUTE = 0o100
