/** What the closure of an environment consists of, from the store's database or from what a repository says of its paths. */
import { readFileSync } from 'node:fs'
import { fileRecord, markerRecord, parseRecord } from '@baryon/cache'
import type { Launch } from '@baryon/environment'
import { formatHash, type Hash, isSystemError, type StorePath, storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { RecordedPath } from './run-record.ts'

interface PathFacts {
  readonly path: StorePath
  readonly narHash: Hash
  readonly narSize: number
  readonly references: readonly StorePath[]
}

/** Sorted by path. Throws `CLOSURE_UNKNOWN`. */
export function recordedClosure(
  store: Store,
  { paths, physicalDirectory }: Pick<Launch, 'paths' | 'physicalDirectory'>,
): RecordedPath[] {
  const found = new Map<string, PathFacts>()
  const pending = paths.map((path) => store.parse(path))
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const name = storePathBaseName(path)
    if (found.has(name)) continue
    const facts = store.isValid(path)
      ? store.pathInfo(path)
      : publishedFacts(store.storeDirectory, physicalDirectory, path)
    found.set(name, facts)
    pending.push(...facts.references)
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { path, narHash, narSize }]) => ({
      path: store.format(path),
      hash: formatHash(narHash, 'sri'),
      size: narSize,
    }))
}

function publishedFacts(storeDirectory: string, physicalDirectory: string, path: StorePath): PathFacts {
  for (const file of [markerRecord(physicalDirectory, path), fileRecord(physicalDirectory, path)]) {
    const text = textOf(file)
    if (text !== '') return parseRecord(storeDirectory, path, text)
  }
  throw new UserError(
    'CLOSURE_UNKNOWN',
    `nothing says what '${storePathBaseName(path)}' consists of: neither the store nor who published it`,
    { hint: 'publish it with: baryon repository publish; what is copied there by other means cannot be recorded' },
  )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return ''
    throw error
  }
}
