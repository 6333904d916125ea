/** All that keeps paths alive at this moment: links, temporary roots, and processes. */
import { join } from 'node:path'
import { type StorePath, UserError } from '@baryon/format'
import { findProcessUses } from './process-roots.ts'
import { findRoots, type Root, requireRoots } from './roots.ts'
import type { Store } from './store.ts'
import { createTempRootsReader } from './temp-roots.ts'

export interface RootReport {
  readonly roots: readonly Root[]
  /** Processes that could not be looked into: those of other users, unless we are root. What only they use may be collected. */
  readonly hiddenProcesses: number
}

/** Permanent, temporary and process roots together, as seen now. Only roots that are links or temporary may be invalid paths. */
export function allRoots(store: Store, permanentRoots = findRoots): RootReport {
  const roots: Root[] = []
  // In this order for the reason given below.
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
  return { roots: [...permanentRoots(store), ...roots], hiddenProcesses: hidden }
}

/** What is rooted or in use. It changes during a collection, which therefore asks again before each deletion. */
export interface Protection {
  /** Full texts of temporary and permanent roots. */
  readonly roots: ReadonlySet<string>
  /** Of paths that processes use. */
  readonly digests: ReadonlySet<string>
}

/** True for a full text that is a root itself, or used by a process. */
export function isProtected({ roots, digests }: Protection, storeDirectory: string, path: string): boolean {
  const start = storeDirectory.length + 1
  return roots.has(path) || digests.has(path.slice(start, start + 32))
}

/**
 * Temporary roots come first: who has a path as a temporary root, then makes a link to it or starts something that uses
 * it, and gives the temporary root up, is seen in one place or the other. To something `known` only temporary roots are added.
 */
export function createProtectionReader(store: Store): (known?: Protection) => Protection {
  const readTempRoots = createTempRootsReader(store.stateDirectory, store.locks)
  return (known) => {
    const roots = new Set(readTempRoots().map((root) => root.path))
    if (known !== undefined) return { roots: new Set([...known.roots, ...roots]), digests: known.digests }
    const digests = new Set(findProcessUses().uses.map((use) => use.digest))
    for (const { path } of requireRoots(store)) roots.add(store.format(path))
    return { roots, digests }
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
