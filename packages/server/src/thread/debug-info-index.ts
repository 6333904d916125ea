/**
 * Which valid path has the debug file of a build-id: `lib/debug/.build-id/XX/REST.debug`, as Nix's `separateDebugInfo`
 * leaves it. Brought up to date when it is asked and the database has changed: one look at each path that is new.
 */
import { readdirSync } from 'node:fs'
import { isSystemError, parseBaseName, storePathBaseName } from '@baryon/format'
import { openStore, type StoreLocation } from '@baryon/store'

export interface DebugInfoIndex {
  /** Base name of the path; of several with the same file, the first. */
  find(buildId: string): string | undefined
}

export function createDebugInfoIndex(location: StoreLocation): DebugInfoIndex {
  let refresh: (() => void) | undefined
  const known = new Map<string, readonly string[]>()
  const owners = new Map<string, string>()
  const start = (): (() => void) => {
    const store = openStore({ ...location, readOnly: true })
    let version = ''
    return () => {
      if (store.version() === version) return
      version = store.version()
      const valid = new Set(store.allValidPaths().map(storePathBaseName))
      for (const [baseName, ids] of known) {
        if (valid.has(baseName)) continue
        known.delete(baseName)
        for (const id of ids) if (owners.get(id) === baseName) owners.delete(id)
      }
      for (const baseName of valid) {
        if (known.has(baseName)) continue
        const ids = buildIdsOf(store.physicalPath(parseBaseName(baseName)))
        known.set(baseName, ids)
      }
      // A file that two paths have must be found when one of them goes.
      for (const [baseName, ids] of known) for (const id of ids) if (!owners.has(id)) owners.set(id, baseName)
    }
  }
  return {
    find: (buildId) => {
      refresh ??= start()
      refresh()
      return owners.get(buildId)
    },
  }
}

/** Where the debug file of a build-id is, inside the path that has it. */
export function debugMember(buildId: string): string {
  return `${DIRECTORY}/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`
}

function buildIdsOf(path: string): readonly string[] {
  return namesIn(`${path}/${DIRECTORY}`)
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .flatMap((directory) =>
      namesIn(`${path}/${DIRECTORY}/${directory}`).flatMap((name) => {
        const match = /^([0-9a-f]{2,126})\.debug$/.exec(name)
        return match === null ? [] : [`${directory}${match[1]}`]
      }),
    )
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return []
    throw error
  }
}

const DIRECTORY = 'lib/debug/.build-id'
