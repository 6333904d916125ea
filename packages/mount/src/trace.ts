/**
 * What a program read of a repository, in its order: recorded from one run, and fetched ahead of the next ones, which then
 * wait for one answer of the server instead of for hundreds after each other. A line for each piece of a file:
 *
 * ```
 * 0 /nix/store/…-root-6.36/lib/libCore.so
 * 8388608 /nix/store/…-geant4-11/share/data.bin
 * ```
 *
 * The number is the offset of the piece, the path begins at the top of the repository. A path with a line break is left out.
 */
import { appendFileSync } from 'node:fs'
import { inParallel, type ObjectCache, type Piece, piecesOf, type Repository } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import { wantedOf } from './repository-tree.ts'

export interface TraceLine {
  readonly offset: number
  readonly path: string
}

/** Appends to the file, each piece once. What cannot be written is left out: the reader must not suffer for it. */
export function createRecorder(file: string): (path: string, piece: Piece) => void {
  const seen = new Set<string>()
  return (path, { offset }) => {
    const line = `${offset} ${path}\n`
    if (seen.has(line) || path.includes('\n')) return
    seen.add(line)
    try {
      appendFileSync(file, Buffer.from(line, 'latin1'))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
    }
  }
}

/** Throws `MOUNT_TRACE` for a text that is none. */
export function parseTrace(bytes: Uint8Array): TraceLine[] {
  const seen = new Set<string>()
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  return lines.flatMap((line, index) => {
    if (line === '' || seen.has(line)) return []
    seen.add(line)
    const match = /^(0|[1-9][0-9]{0,15}) (\/.*)$/s.exec(line)
    if (match === null) {
      throw new UserError('MOUNT_TRACE', `line ${index + 1} of the trace is no offset and path`, {
        hint: 'record one: baryon repository mount --record FILE …',
      })
    }
    return [{ offset: Number(match[1]), path: match[2]! }]
  })
}

/** Puts into the cache what a trace names and the repository has; throws what fetching throws. */
export async function fetchTrace(
  trace: readonly TraceLine[],
  repository: Repository,
  cache: ObjectCache,
  signal?: AbortSignal,
): Promise<void> {
  const revision = await repository.revision(undefined, signal)
  const work = async ({ path, offset }: TraceLine): Promise<void> => {
    const entry = await revision.entry(path, signal)
    if (entry === undefined || entry.kind !== 'file' || entry.isExternal) return
    // Of another revision, it may have other pieces.
    const piece = piecesOf(entry).find((one) => offset >= one.offset && offset < one.offset + Math.max(1, one.size))
    if (piece !== undefined) await cache.fetch(repository.source, wantedOf(entry, piece), signal)
  }
  try {
    await inParallel(AT_ONCE, trace, work)
  } finally {
    await revision.close()
  }
}

/** Enough to keep a far server busy, and not so many that who waits for a file waits for these. */
const AT_ONCE = 16
