/** From the name of a release to what runs in it, for `baryon run` and `baryon shell`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  formatReleaseName,
  parseReleaseOperand,
  type ReleaseManifest,
  readManifest,
  releaseRoots,
} from '@baryon/environment'
import { storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { areaPlace, areaWatches } from './area-place.ts'
import { choosePlatform, chooseVersion } from './choose-release.ts'
import type { Context } from './command.ts'
import { openToLook } from './open-to-look.ts'
import type { PublishedUse, RunMounted } from './published-packages.ts'
import { type Area, areasOf } from './release-areas.ts'
import { directoryPlace, type PlacedRelease, type ReleasePlace, storePlace } from './release-places.ts'
import type { RunEnvironment } from './run-environment.ts'
import type { Settings } from './settings.ts'
import { selectedPlatform } from './stack-evaluation.ts'
import { suggest } from './suggestion.ts'

export interface ReleaseEnvironment extends RunEnvironment {
  /** Undefined for a project that xenv describes. */
  readonly manifest: ReleaseManifest | undefined
  readonly platform: string
  /** What runs when no command is said. */
  readonly program: string | undefined
  /** Files and directories with which the choice would change; undefined: more than can be watched. */
  readonly watched: readonly string[] | undefined
}

/** Whether the word can be the name of a release at all: attributes with dots and outputs are packages. */
function canBeRelease(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9+._-]*(\/[A-Za-z0-9][A-Za-z0-9+._-]*)?$/.test(text)
}

/** Of the places on this machine, those where releases can be. */
export function localPlaces(settings: Settings, store: Store, areas: readonly Area[] = []): ReleasePlace[] {
  const mount = mountOf(settings)
  return [
    ...areas.map((area) => areaPlace(area, settings.storeDirectory)),
    storePlace(store),
    ...(mount !== undefined && existsSync(mount) ? [directoryPlace(mount, settings.storeDirectory)] : []),
  ]
}

/** The release that this machine has of the name; undefined when it has none, in any version. */
export async function localRelease(
  context: Context,
  settings: Settings,
  text: string,
): Promise<ReleaseEnvironment | undefined> {
  if (!canBeRelease(text)) return undefined
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    const { name } = parseReleaseOperand(text)
    const places = localPlaces(settings, store, areasOf(context))
    const found: PlacedRelease[] = []
    for (const place of places) found.push(...(await place.find(name)))
    if (found.length === 0) return undefined
    const release = chooseVersion(found, text)
    if (release.kind !== 'area') return environmentOf(context, settings, store, release)
    const { areaEnvironment } = await import('./area-environment.ts')
    return await areaEnvironment(context, settings, store, release, places)
  } finally {
    store.close({ keepTempRoots: true })
  }
}

/**
 * The same of the repository that is configured: what runs the command again in a mount of it, or, where that cannot be, the
 * environment of what was copied into the store.
 */
export async function publishedRelease(
  context: Context,
  settings: Settings,
  text: string,
  how: PublishedUse = {},
): Promise<ReleaseEnvironment | RunMounted | undefined> {
  if (!canBeRelease(text)) return undefined
  const { usePublished, withRepositoryPlace } = await import('./published-packages.ts')
  const found = await withRepositoryPlace(context, settings, (place) => place.find(parseReleaseOperand(text).name))
  if (found === undefined || found.length === 0) return undefined
  const release = chooseVersion(found, text)
  const path = release.platforms.get(choosePlatform(release, platformWish(context, settings)))!
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    const use = await usePublished(context, settings, store, [path], how)
    if (typeof use === 'function') return use
    if (use === undefined) return undefined
    return environmentOf(context, settings, store, { ...release, kind: 'store' })
  } finally {
    store.close({ keepTempRoots: true })
  }
}

/** Names of releases of this machine that are nearly the one that was said. */
export async function releasesLike(
  settings: Settings,
  text: string,
  areas: readonly Area[],
): Promise<readonly string[]> {
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    const names = await Promise.all(localPlaces(settings, store, areas).map((place) => place.names()))
    return suggest(text.split('/')[0]!, names.flat())
  } finally {
    store.close()
  }
}

function environmentOf(context: Context, settings: Settings, store: Store, release: PlacedRelease): ReleaseEnvironment {
  const tag = choosePlatform(release, platformWish(context, settings))
  const isInStore = release.kind === 'store'
  const roots = releaseRoots(store)
  const entries = isInStore ? join(roots, release.name) : release.directory
  return {
    ...environmentAt(settings, store, release, release.platforms.get(tag)!, isInStore),
    watched: [
      roots,
      ...(isInStore ? [entries] : [join(entries, '..'), entries]),
      ...watchedAreas(context, release.name),
    ],
  }
}

/** Directories of areas that have nothing of the name now. */
export function watchedAreas(context: Context, name: string): string[] {
  return areasOf(context).flatMap(({ directory }) => areaWatches(directory, name))
}

/** What runs in the release at the logical path, which the store or the host has. */
export function environmentAt(
  settings: Settings,
  store: Store,
  release: Pick<PlacedRelease, 'name' | 'version'>,
  logical: string,
  isInStore: boolean,
  found?: ReleaseManifest,
): Omit<ReleaseEnvironment, 'watched'> {
  const path = store.parse(logical)
  // What nobody can write to is not collected either.
  if (isInStore && !store.readOnly) store.addTempRoot(path)
  const physicalDirectory = isInStore ? store.physicalDirectory : settings.storeDirectory
  const manifest = found ?? readManifest(join(physicalDirectory, storePathBaseName(path)))
  if (manifest === undefined) {
    throw new UserError('RELEASE_MANIFEST', `${release.name}/${release.version} has no manifest at ${logical}`, {
      hint: 'the store is damaged: baryon store verify --repair',
    })
  }
  return {
    settings,
    packages: [],
    changes: manifest.changes,
    physicalDirectory,
    paths: [logical],
    label: formatReleaseName(release),
    manifest,
    platform: manifest.platform,
    program: manifest.program,
  }
}

/** What the options and the settings say of the platform. */
export function platformWish(context: Context, settings: Settings) {
  const declared = new Set(context.command.options.map(({ name }) => name))
  const given = context.arguments.value('platform')
  return {
    tag: (selectedPlatform(given) ?? settings.platform ?? 'best').toLowerCase(),
    isForced: declared.has('force-platform') && context.arguments.flag('force-platform'),
    warn: (message: string) => context.terminal.err(`${context.terminal.errPaint.yellow('warning:')} ${message}\n`),
  }
}

/** `/cvmfs/NAME` of the store directory. */
function mountOf({ storeDirectory }: Settings): string | undefined {
  return /^\/cvmfs\/[^/]+/.exec(storeDirectory)?.[0]
}
