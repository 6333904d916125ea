/**
 * Where releases are found to be run, in this order: in areas (area-place.ts), in the store of this machine, below `/cvmfs` where that is mounted, and in
 * the CVMFS repository that is configured. What they are called and for which platforms they are is all that is read.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import type { Revision } from '@baryon/cvmfs'
import { compareReleaseVersions, isReleaseWord, listReleases, type ReleaseName } from '@baryon/environment'
import { isSystemError } from '@baryon/format'
import type { Store } from '@baryon/store'

export interface ReleasePlace {
  readonly kind: 'area' | 'store' | 'directory' | 'repository'
  /** Of this name in any case, the newest version first. */
  find(name: string): Promise<readonly PlacedRelease[]>
  names(): Promise<readonly string[]>
  /** As people are told where it was looked. */
  readonly label: string
}

export interface PlacedRelease extends ReleaseName {
  readonly kind: ReleasePlace['kind']
  /** The directory that has an entry for each platform. */
  readonly directory: string
  /** Logical store paths by tag; of an area also directories. */
  readonly platforms: ReadonlyMap<string, string>
  /** Tags of what was built for the system that they name, and does not bring its own. */
  readonly needSystem?: ReadonlySet<string>
  /** It is meant whatever version is said, as a project of a nightly build is. */
  readonly isPinned?: boolean
}

export function storePlace(store: Store): ReleasePlace {
  return {
    kind: 'store',
    label: store.physicalDirectory,
    names: async () => [...new Set(listReleases(store).map(({ name }) => name))],
    find: async (wanted) =>
      listReleases(store)
        .filter(({ name }) => isSame(name, wanted))
        .map(({ name, version, index, platforms }) => ({
          kind: 'store',
          name,
          version,
          directory: store.physicalPath(index),
          platforms: new Map([...platforms].map(([tag, path]) => [tag, store.format(path)])),
        })),
  }
}

interface Listed {
  readonly name: string
  readonly isDirectory: boolean
  /** Of a link; else empty. */
  readonly target: string
}

/** A tree `NAME/VERSION/PLATFORM` of links into the store, which is mounted at `mount`. */
export function directoryPlace(mount: string, storeDirectory: string): ReleasePlace {
  const list = async (path: string): Promise<readonly Listed[]> => {
    try {
      return readdirSync(`${mount}${path}`, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        isDirectory: entry.isDirectory(),
        target: entry.isSymbolicLink() ? readlinkSync(`${mount}${path}/${entry.name}`) : '',
      }))
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
      throw error
    }
  }
  return treePlace('directory', mount, storeDirectory, list)
}

/** The same in a repository that is not mounted. */
export function repositoryPlace(name: string, revision: Revision, storeDirectory: string): ReleasePlace {
  const list = async (path: string): Promise<readonly Listed[]> => {
    if ((await revision.entry(path))?.kind !== 'directory') return []
    return (await revision.list(path)).map((entry) => ({
      name: entry.name,
      isDirectory: entry.kind === 'directory',
      target: entry.kind === 'symlink' ? entry.target : '',
    }))
  }
  return treePlace('repository', `/cvmfs/${name}`, storeDirectory, list)
}

function treePlace(
  kind: 'directory' | 'repository',
  mount: string,
  storeDirectory: string,
  list: (path: string) => Promise<readonly Listed[]>,
): ReleasePlace {
  const directories = async (path: string): Promise<string[]> =>
    (await list(path)).filter(({ name, isDirectory }) => isDirectory && isReleaseWord(name)).map(({ name }) => name)
  return {
    kind,
    label: mount,
    names: async () => (await directories('')).filter((name) => !notReleases.has(name)),
    async find(wanted) {
      const found: PlacedRelease[] = []
      for (const name of (await directories('')).filter((one) => isSame(one, wanted) && !notReleases.has(one))) {
        for (const version of await directories(`/${name}`)) {
          const entries = await list(`/${name}/${version}`)
          const platforms = entries.flatMap(({ name: tag, target }): [string, string][] => {
            const path = target.slice(target.lastIndexOf('/') + 1)
            return isStoreName(path) ? [[tag, `${storeDirectory}/${path}`]] : []
          })
          if (platforms.length === 0) continue
          found.push({ kind, name, version, directory: `${mount}/${name}/${version}`, platforms: new Map(platforms) })
        }
      }
      return found.sort((a, b) => compareReleaseVersions(b.version, a.version))
    },
  }
}

/** What else is at the top of a repository with releases. */
const notReleases: ReadonlySet<string> = new Set(['nix', 'lcg', 'modulefiles'])

/** Whether the name of a file can be that of a store path. */
export function isStoreName(name: string): boolean {
  return /^[0-9a-df-np-sv-z]{32}-/.test(name)
}

export function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
