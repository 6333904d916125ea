/** Paths as one stream, as `nix-store --export` writes and `--import` reads it. */
import {
  createExportReader,
  createHasher,
  EXPORT_END,
  EXPORT_PATH_START,
  formatExportedPath,
  hashesEqual,
  type StorePath,
  UserError,
} from '@baryon/format'
import { type Additions, addUnpackedNar, withTemporaryPath } from './additions.ts'
import { createTreeRestorer, dumpNar } from './nar-tree.ts'
import type { Store } from './store.ts'

/**
 * Sends these paths in their order, which must be one with references first. Chunks are valid during the call only.
 * Contents that are not those that were registered end the stream with `HASH_MISMATCH`.
 */
export function exportPaths(store: Store, paths: readonly StorePath[], sink: (chunk: Uint8Array) => void): void {
  for (const path of paths) {
    const { narHash, references, deriver } = store.pathInfo(path)
    const hasher = createHasher('sha256')
    sink(EXPORT_PATH_START)
    dumpNar(store.physicalPath(path), (chunk) => {
      hasher.update(chunk)
      sink(chunk)
    })
    if (!hashesEqual(hasher.digest(), narHash)) {
      throw new UserError('HASH_MISMATCH', `'${store.format(path)}' is not what was registered`, {
        hint: 'see what is wrong with the store: baryon store verify --check-contents',
      })
    }
    sink(
      formatExportedPath({
        path: store.format(path),
        references: references.map((reference) => store.format(reference)),
        deriver: deriver === undefined ? '' : store.format(deriver),
      }),
    )
  }
  sink(EXPORT_END)
}

/**
 * Adds the paths of a stream, each as soon as it is complete: what came before an error stays. Nothing is signed in such a
 * stream, so it is trusted to be what it says. Gives the paths in their order, those that were valid before included.
 */
export function importPaths(additions: Additions, chunks: Iterable<Uint8Array>): StorePath[] {
  const { store } = additions
  additions.flush()
  const reader = createExportReader(chunks)
  const imported: StorePath[] = []
  for (;;) {
    const path = withTemporaryPath(store, (aside) => importNext(additions, reader, aside))
    if (path === undefined) return imported
    imported.push(path)
  }
}

function importNext(
  additions: Additions,
  reader: ReturnType<typeof createExportReader>,
  aside: string,
): StorePath | undefined {
  const { store } = additions
  const hasher = createHasher('sha256')
  let narSize = 0
  const restorer = createTreeRestorer(aside)
  try {
    const exported = reader.next(restorer, (chunk) => {
      hasher.update(chunk)
      narSize += chunk.length
    })
    if (exported === undefined) return undefined
    const path = store.parse(exported.path)
    addUnpackedNar(store, aside, {
      path,
      narHash: hasher.digest(),
      narSize,
      references: exported.references.map((reference) => store.parse(reference)),
      deriver: exported.deriver === '' ? undefined : store.parse(exported.deriver),
    })
    return path
  } catch (error) {
    restorer.abort()
    throw error
  }
}
