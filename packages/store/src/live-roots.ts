/** All that keeps paths alive at this moment: links, temporary roots, and processes. */
import { join } from 'node:path'
import { type StorePath, UserError } from '@baryon/format'
import { findProcessUses } from './process-roots.ts'
import { findRoots, type Root } from './roots.ts'
import type { Store } from './store.ts'
import { createTempRootsReader } from './temp-roots.ts'

export interface RootReport {
  readonly roots: readonly Root[]
  /** Processes that could not be looked into: those of other users, unless we are root. What only they use may be collected. */
  readonly hiddenProcesses: number
}

/** Permanent, temporary and process roots together, as seen now. Only roots that are links or temporary may be invalid paths. */
export function allRoots(store: Store): RootReport {
  const roots = [...findRoots(store)]
  const locks = store.readOnly ? undefined : store.locks
  for (const { path, owner } of createTempRootsReader(store.stateDirectory, locks)()) {
    const parsed = parsedPath(store, path)
    if (parsed !== undefined)
      roots.push({ path: parsed, source: join(store.stateDirectory, 'temproots', owner), kind: 'temporary' })
  }
  const { uses, hidden } = findProcessUses()
  for (const { digest, source } of uses) {
    const path = store.queryPathFromHashPart(digest)
    if (path !== undefined) roots.push({ path, source, kind: 'process' })
  }
  return { roots, hiddenProcesses: hidden }
}

/** What temporary roots and processes keep. It changes during a collection, which therefore asks again before each deletion. */
export interface Protection {
  readonly tempRoots: ReadonlySet<string>
  readonly digests: ReadonlySet<string>
}

/** True for a full text that is a temporary root, or used by a process. */
export function isProtected({ tempRoots, digests }: Protection, storeDirectory: string, path: string): boolean {
  const start = storeDirectory.length + 1
  return tempRoots.has(path) || digests.has(path.slice(start, start + 32))
}

/**
 * Temporary roots are read at each call, processes when the last look is ten times as long ago as a look takes: a
 * collection then spends at most a tenth of its time on that. (A process that is to start something has a temporary root.)
 */
export function createProtectionReader(store: Store): () => Protection {
  const readTempRoots = createTempRootsReader(store.stateDirectory, store.locks)
  let digests: ReadonlySet<string> = new Set()
  let validUntil = Number.NEGATIVE_INFINITY
  return () => {
    const start = performance.now()
    if (start >= validUntil) {
      digests = new Set(findProcessUses().uses.map((use) => use.digest))
      const end = performance.now()
      validUntil = end + 10 * (end - start)
    }
    return { tempRoots: new Set(readTempRoots().map((root) => root.path)), digests }
  }
}

function parsedPath(store: Store, text: string): StorePath | undefined {
  try {
    return store.parse(text)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return undefined
  }
}
