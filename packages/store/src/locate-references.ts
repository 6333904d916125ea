import { hashesEqual, type StorePath } from '@baryon/format'
import { type ItemPositions, scanForReferences } from './scan-tree.ts'
import type { Store } from './store.ts'

/**
 * Where the references of a valid path are: as recorded, else (the path was copied, or made by Nix) by a scan, which is
 * recorded for the next time if the store can be written and the contents are those that were registered.
 */
export function locateReferences(store: Store, path: StorePath): readonly ItemPositions[] {
  const recorded = store.referencePositions(path)
  if (recorded !== undefined) return recorded
  const { references, narHash } = store.pathInfo(path)
  const { hash, positions } = scanForReferences(
    store.physicalPath(path),
    references.map((reference) => reference.digest),
  )
  if (!store.readOnly && hashesEqual(hash, narHash)) store.recordPositions([{ path, narHash, positions }])
  return positions
}
