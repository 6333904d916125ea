/**
 * Releases in a directory as lb-run finds projects there, and as Baryon lays releases out. For a name and the area B:
 *
 *     B/NAME                                 without a version, as nightly builds have it
 *     B/NAME_VERSION, B/NAME/NAME_VERSION, B/NAME/VERSION
 *
 * In each of them the platforms are in `InstallArea`, else beside it. A platform is a link into the store, or a directory with
 * a `manifest.json` (a release of Baryon) or a `manifest.xml` or `NAME.xenv` (a project that was built by other means).
 */
import { type Dirent, readdirSync, readlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { compareReleaseVersions, isReleaseWord } from '@baryon/environment'
import { isSystemError } from '@baryon/format'
import type { Area } from './release-areas.ts'
import { isSame, isStoreName, type PlacedRelease, type ReleasePlace } from './release-places.ts'

export function areaPlace({ directory: area, isNightly }: Area, storeDirectory: string): ReleasePlace {
  return {
    kind: 'area',
    label: area,
    names: async () => [...new Set(directoriesIn(area).flatMap(nameIn))],
    find: async (wanted) => {
      const seen = new Set<string>()
      return candidates(area, wanted, isNightly).flatMap((one) => {
        const platforms = platformsIn(one.directory, wanted, storeDirectory)
        if (platforms === undefined || seen.has(one.version)) return []
        seen.add(one.version)
        return [{ kind: 'area', ...one, ...platforms } satisfies PlacedRelease]
      })
    },
  }
}

/** Directories whose changes can change what is found of a name. */
export function areaWatches(area: string, name: string): string[] {
  return [
    area,
    ...directoriesIn(area)
      .filter((one) => isSame(one, name))
      .map((one) => join(area, one)),
  ]
}

type Candidate = Pick<PlacedRelease, 'name' | 'version' | 'directory' | 'isPinned'>

/** In the order in which lb-run tries and lists them. */
function candidates(area: string, wanted: string, isNightly: boolean): readonly Candidate[] {
  const all = directoriesIn(area)
  const named = all.filter((one) => isSame(one, wanted))
  const newestFirst = (list: readonly Candidate[]) =>
    list.toSorted((a, b) => compareReleaseVersions(b.version, a.version))
  const withVersion = (above: string, name: string, names: readonly string[]) =>
    newestFirst(
      names.flatMap((one) => {
        const version = versionAfter(name, one)
        return version !== undefined && isReleaseWord(version) ? [{ name, version, directory: join(above, one) }] : []
      }),
    )
  const inside = named.map((name) => ({ name, above: join(area, name), names: directoriesIn(join(area, name)) }))
  return [
    ...named.map((name) => ({ name, version: 'prod', directory: join(area, name), isPinned: isNightly })),
    ...withVersion(area, wanted, all),
    ...inside.flatMap(({ name, above, names }) => withVersion(above, name, names)),
    ...inside.flatMap(({ name, above, names }) =>
      newestFirst(
        names
          .filter((one) => one !== 'InstallArea' && isReleaseWord(one) && versionAfter(name, one) === undefined)
          .map((version) => ({ name, version, directory: join(above, version) })),
      ),
    ),
  ]
}

/** `1.0` of `HEP_1.0`. */
function versionAfter(name: string, directory: string): string | undefined {
  const end = name.length + 1
  return isSame(directory.slice(0, end), `${name}_`) ? directory.slice(end) : undefined
}

/** Undefined when it has none. */
function platformsIn(
  directory: string,
  name: string,
  storeDirectory: string,
): Pick<PlacedRelease, 'platforms' | 'needSystem'> | undefined {
  const platforms = new Map<string, string>()
  const needSystem = new Set<string>()
  for (const place of [join(directory, 'InstallArea'), directory]) {
    for (const entry of entriesOf(place)) {
      if (!isTag(entry.name) || platforms.has(entry.name)) continue
      const path = join(place, entry.name)
      const target = entry.isSymbolicLink() ? resolve(place, readlinkSync(path)) : ''
      // Maybe not to be seen there on this machine.
      if (dirname(target) === storeDirectory && isStoreName(basename(target))) {
        platforms.set(entry.name, target)
        continue
      }
      const names = entriesOf(path).map((one) => one.name)
      const isProject = names.some((one) => one === 'manifest.xml' || isSame(one, `${name}.xenv`))
      if (names.includes('manifest.json')) platforms.set(entry.name, path)
      else if (isProject) {
        platforms.set(entry.name, path)
        needSystem.add(entry.name)
      }
    }
  }
  return platforms.size === 0 ? undefined : { platforms, needSystem }
}

/** Of today (`x86_64-el9-gcc13-opt`) or of old (`slc4_amd64_gcc34`). */
function isTag(name: string): boolean {
  return /^[a-z0-9_.+]+(-[a-z0-9_.+]+){3}$|^[a-z]+\d+_(amd64|ia32)_[a-z]+\d+(_dbg)?$/.test(name)
}

/** `HEP` of `HEP` and `HEP_1.0`. */
function nameIn(directory: string): string[] {
  const [name = ''] = directory.split('_')
  return isReleaseWord(name) ? [name] : []
}

function directoriesIn(directory: string): string[] {
  return entriesOf(directory)
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort()
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) return []
    throw error
  }
}
