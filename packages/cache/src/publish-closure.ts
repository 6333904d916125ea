import { lstatSync } from 'node:fs'
import type { Change } from '@baryon/cvmfs'
import { formatHash, type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import { fileRecord, formatRecord, storePlace } from './published-record.ts'

/**
 * What has to change in a CVMFS repository so that the closure of the paths is in it: references first, each path with a catalog of
 * its own below the one of the store directory, and with its record. The store must stay open while they are applied. Throws
 * `CVMFS_STORE_DIRECTORY`.
 */
export function closureChanges(store: Store, repository: string, paths: readonly StorePath[]): Change[] {
  const place = storePlace(store.storeDirectory, repository)
  return [
    { kind: 'catalog', at: place },
    ...store.computeClosure(paths).flatMap((path): Change[] => {
      const from = store.physicalPath(path)
      const record = (): Uint8Array => Buffer.from(formatRecord(store.storeDirectory, store.pathInfo(path)), 'latin1')
      const contents = (): string => formatHash(store.pathInfo(path).narHash, 'base16')
      const at = `${place}/${storePathBaseName(path)}`
      const tree = { kind: 'tree', at, from, isImmutable: true, contents } as const
      if (canCarryRecord(from)) return [{ ...tree, isNested: true, marker: record }]
      return [
        { kind: 'file', at: fileRecord(place, path), bytes: record, isImmutable: true },
        { ...tree, isNested: true },
      ]
    }),
  ]
}

function canCarryRecord(file: string): boolean {
  return lstatSync(file).isDirectory() && lstatSync(`${file}/.cvmfscatalog`, { throwIfNoEntry: false }) === undefined
}
