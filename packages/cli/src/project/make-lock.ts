/** From what a project asks for to what it is made of: the release is looked up, the stack evaluated; nothing is built. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import type { LockedPackage, LockedPlatform, LockedRelease, LockRequest, ProjectLock } from '@baryon/environment'
import { parsePackageName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import { bestOfStack, choosePlatform, chooseVersion } from '../choose-release.ts'
import type { Context } from '../command.ts'
import { openToLook } from '../open-to-look.ts'
import { type ResolvedPackage, resolvePackages } from '../package-resolution.ts'
import { localPlaces, platformWish } from '../release-environment.ts'
import type { PlacedRelease } from '../release-places.ts'
import { outputNames } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { selectedPlatform, stackFile } from '../stack-evaluation.ts'
import { stackDefaults } from '../stack-packages.ts'
import type { Project } from './project-file.ts'

/** The tag of what is locked without a platform: the stack is for one alone, and does not say for which. */
export const NO_PLATFORM = 'default'

/**
 * Locks for the platforms. Throws as `resolvePackage` does for what the stack does not have, and `RELEASE_UNKNOWN`,
 * `VERSION_UNKNOWN` or `PLATFORM_UNKNOWN` for the release.
 */
export async function makeLock(
  context: Context,
  settings: Settings,
  request: LockRequest,
  platforms: readonly string[],
): Promise<ProjectLock> {
  const release = request.release === undefined ? undefined : await findRelease(context, settings, request.release)
  const read = new Set<string>()
  let isKnown = true
  const locked: Record<string, LockedPlatform> = {}
  for (const platform of platforms) {
    const tag = platform === NO_PLATFORM ? undefined : platform
    const packages = await resolvePackages(context, settings, request.packages, tag)
    for (const dependencies of new Set(packages.map((one) => one.dependencies))) {
      if (dependencies === undefined) isKnown = false
      else for (const file of Object.keys(dependencies.files)) read.add(Buffer.from(file, 'latin1').toString())
    }
    const chosen = release === undefined ? undefined : lockedRelease(context, settings, release, platform)
    locked[platform] = { ...(chosen === undefined ? {} : { release: chosen }), packages: packages.map(lockedPackage) }
  }
  return {
    format: 1,
    request,
    storeDirectory: settings.storeDirectory,
    ...(isKnown && read.size > 0 ? { stack: hashFiles(stackDirectory(settings), read) } : {}),
    platforms: locked,
  }
}

/**
 * The platform to use when it is not locked yet: `-c`, else what tools of the experiments set, else the best of those that the
 * project names, or of the release, or what the stack is for.
 */
export async function platformToLock(context: Context, settings: Settings, project: Project): Promise<string> {
  const asked = selectedPlatform(context.arguments.value('platform')) ?? settings.platform
  const isOpen = asked === undefined || asked.toLowerCase() === 'best'
  if (isOpen && project.platforms.length > 0) return bestOfStack(project.platforms)
  if (project.release !== undefined) {
    const release = await findRelease(context, settings, project.release)
    return choosePlatform(release, { ...platformWish(context, settings), tag: (asked ?? 'best').toLowerCase() })
  }
  if (!isOpen) return asked
  const { platform, platforms } = await stackDefaults(context, settings)
  return asked === undefined ? (platform ?? platforms[0] ?? NO_PLATFORM) : bestOfStack(platforms)
}

async function findRelease(context: Context, settings: Settings, name: string): Promise<PlacedRelease> {
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    return chooseVersion(await placedReleases(context, settings, store, name), name)
  } finally {
    store.close()
  }
}

/** In the first place that has any: this machine, then the repository that is configured. */
async function placedReleases(context: Context, settings: Settings, store: Store, text: string) {
  const name = text.split('/')[0]!
  const names: string[] = []
  for (const place of localPlaces(settings, store)) {
    const found = await place.find(name)
    if (found.length > 0) return found
    names.push(...(await place.names()))
  }
  const { withRepositoryPlace } = await import('../published-packages.ts')
  const published = await withRepositoryPlace(context, settings, async (place) => ({
    found: await place.find(name),
    names: await place.names(),
  }))
  if (published !== undefined && published.found.length > 0) return published.found
  const { suggest } = await import('../suggestion.ts')
  const near = suggest(name, [...names, ...(published?.names ?? [])])
  throw new UserError('RELEASE_UNKNOWN', `there is no release '${name}' on this machine or in a repository`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `make it (baryon release create ${text}), or say where it is: --repository`,
  })
}

function lockedRelease(context: Context, settings: Settings, release: PlacedRelease, tag: string): LockedRelease {
  const { name, version, platforms } = release
  const wish = { ...platformWish(context, settings), tag, isForced: true, warn: () => {} }
  return { name, version, path: platforms.get(choosePlatform(release, wish))! }
}

function lockedPackage({ attribute, derivation, mainProgram }: ResolvedPackage): LockedPackage {
  const { name, version } = parsePackageName(derivation.name)
  const { priority } = (derivation.meta ?? {}) as { readonly priority?: unknown }
  const outputs = outputNames({ derivation }, 'develop').map((output) => {
    const path = derivation.outputs[output]
    if (path !== undefined) return [output, path] as const
    throw new UserError(
      'LOCK_CONTENT_ADDRESSED',
      `'${attribute}' cannot be locked: its path is not known before it is built`,
    )
  })
  return {
    attribute,
    name,
    version,
    derivation: derivation.drvPath,
    outputs: Object.fromEntries(outputs),
    ...(typeof priority === 'number' ? { priority } : {}),
    ...(mainProgram === undefined ? {} : { mainProgram }),
  }
}

function stackDirectory(settings: Settings): string {
  const file = stackFile(settings)
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ? file : dirname(file)
}

/** Names relative to the stack, so that another clone of it has the same hash. */
function hashFiles(directory: string, files: ReadonlySet<string>): string {
  const hash = createHash('sha256')
  const lines = [...files].map((file) => {
    const contents = statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : Buffer.alloc(0)
    return `${relative(directory, file)}\0${createHash('sha256').update(contents).digest('hex')}\n`
  })
  for (const line of lines.sort()) hash.update(line)
  return `sha256-${hash.digest('base64')}`
}
