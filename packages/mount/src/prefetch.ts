import { type ContentHash, type Entry, type ObjectCache, type ObjectSource, type Piece, piecesOf } from '@baryon/cvmfs'
import { wantedOf } from './repository-tree.ts'

export interface Prefetch {
  /** A file had to be fetched; `siblings` are the files of its directory in the order in which they are listed. */
  noteFile(entry: Entry, siblings: readonly Entry[]): void
  /** A chunk of a file had to be fetched: the one behind it is fetched as well. */
  noteChunk(entry: Entry, chunk: ContentHash): void
}

/**
 * Fetches the files behind one that had to be waited for: few at first, twice as many each time that a program goes through the
 * directory in its order. What fails is not noted:
 * whoever wants the file will see, and nothing more is asked for for a while.
 */
export function createPrefetch(cache: ObjectCache, source: ObjectSource): Prefetch {
  const runs = new Map<string, { readonly next: number; readonly window: number }>()
  let underway = 0
  let lastWindow = FIRST_WINDOW
  let pausedUntil = 0
  const fetch = (entry: Entry, piece: Piece): void => {
    underway++
    cache
      .fetch(source, wantedOf(entry, piece))
      .catch(() => {
        pausedUntil = performance.now() + PAUSE
      })
      .finally(() => underway--)
  }
  return {
    noteChunk(entry, chunk) {
      if (performance.now() < pausedUntil) return
      const pieces = piecesOf(entry)
      const next = pieces[pieces.findIndex(({ hash }) => hash.hex === chunk.hex) + 1]
      if (next !== undefined) fetch(entry, next)
    },
    noteFile(entry, siblings) {
      if (performance.now() < pausedUntil) return
      const directory = entry.path.slice(0, entry.path.lastIndexOf('/'))
      const index = siblings.findIndex(({ name }) => name === entry.name)
      const run = runs.get(directory)
      const goesOn = run !== undefined && Math.abs(index - run.next) <= run.window
      // Waited for while it was coming: the next ones follow when half of those that come have come.
      if (goesOn && index < run.next - run.window / 2) return
      // Whoever goes through one directory goes through the next one as well.
      const window = goesOn ? Math.min(run.window * 2, LARGEST_WINDOW) : index === 0 ? lastWindow : FIRST_WINDOW
      lastWindow = Math.max(FIRST_WINDOW, window / 2)
      let next = Math.max(index + 1, goesOn ? run.next : 0)
      for (let left = window; left > 0 && next < siblings.length && underway < MOST_UNDERWAY; next++, left--) {
        const sibling = siblings[next]!
        if (sibling.kind !== 'file' || sibling.isExternal || sibling.hash === undefined || sibling.size > LARGEST_FILE)
          continue
        fetch(sibling, piecesOf(sibling)[0]!)
      }
      runs.delete(directory)
      runs.set(directory, { next, window })
      if (runs.size > MOST_RUNS) runs.delete(runs.keys().next().value!)
    },
  }
}

const PAUSE = 10_000
const FIRST_WINDOW = 8
const LARGEST_WINDOW = 128
const LARGEST_FILE = 1024 * 1024
const MOST_UNDERWAY = 256
const MOST_RUNS = 64
