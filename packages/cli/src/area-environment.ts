/** What runs in a release that an area has: of Baryon, wherever its store path is, or a project that xenv describes. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { formatReleaseName, readManifest } from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { choosePlatform, matchingVersions } from './choose-release.ts'
import type { Context } from './command.ts'
import { startingVariables } from './pure.ts'
import { environmentAt, platformWish, type ReleaseEnvironment } from './release-environment.ts'
import { isStoreName, type PlacedRelease, type ReleasePlace } from './release-places.ts'
import type { Settings } from './settings.ts'
import { releaseStatus, StatusError } from './status-error.ts'

export async function areaEnvironment(
  context: Context,
  settings: Settings,
  store: Store,
  release: PlacedRelease,
  places: readonly ReleasePlace[],
): Promise<ReleaseEnvironment> {
  const tag = choosePlatform(release, platformWish(context, settings))
  const place = release.platforms.get(tag)!
  const isLink = dirname(place) === settings.storeDirectory
  const manifest = isLink ? undefined : readManifest(place)
  if (isLink || manifest !== undefined) {
    const logical = manifest?.view ?? place
    const isInStore = store.isValid(store.parse(logical))
    if (!isInStore && !existsSync(logical)) throw notHere(release, logical)
    return { ...environmentAt(settings, store, release, logical, isInStore, manifest), watched: undefined }
  }
  const physical = (path: string): string => physicalPlace(settings, store, path)
  const { projectChanges } = await import('./lb-project/project-changes.ts')
  const searchPath = [...new Set(places.map(({ label }) => label))]
  const changes = await projectChanges({
    name: release.name,
    directory: resolve(place),
    tag,
    searchPath,
    environment: startingVariables(context),
    exists: (path) => existsSync(physical(path)),
    find: async (name, version) => {
      for (const one of places) {
        const found = matchingVersions(await one.find(name), `${name}/${version}`).find(({ platforms }) =>
          platforms.has(tag),
        )
        if (found !== undefined) return physical(found.platforms.get(tag)!)
      }
      throw new StatusError(
        releaseStatus.notFound,
        'PROJECT_UNKNOWN',
        `cannot find project ${name} ${version} for ${tag} in ${searchPath.join(':')}`,
        { hint: `${formatReleaseName(release)} uses it` },
      )
    },
  })
  const values = changes.flatMap((change) => (change.kind === 'set' ? change.value.split(':') : []))
  const paths = [...new Set(values.flatMap((value) => storePathOf(settings, value) ?? []))]
  const isInPlace = paths.every((path) => existsSync(path))
  return {
    settings,
    packages: [],
    changes,
    physicalDirectory: isInPlace ? settings.storeDirectory : store.physicalDirectory,
    paths,
    label: formatReleaseName(release),
    manifest: undefined,
    platform: tag,
    program: undefined,
    watched: undefined,
  }
}

/** The store path that the path is in. */
function storePathOf({ storeDirectory }: Settings, path: string): string | undefined {
  if (!path.startsWith(`${storeDirectory}/`)) return undefined
  const [base = ''] = path.slice(storeDirectory.length + 1).split('/')
  return isStoreName(base) ? `${storeDirectory}/${base}` : undefined
}

/** Where it can be read now. */
function physicalPlace({ storeDirectory }: Settings, store: Store, path: string): string {
  const isThere = existsSync(path) || !path.startsWith(`${storeDirectory}/`)
  return isThere ? path : join(store.physicalDirectory, path.slice(storeDirectory.length))
}

function notHere(release: PlacedRelease, logical: string): UserError {
  return new UserError('RELEASE_LOST', `${release.directory} leads to ${logical}, which this machine does not have`, {
    hint: `copy it here: baryon repository fetch REPOSITORY ${logical}, or baryon cache pull URL ${logical}`,
  })
}
