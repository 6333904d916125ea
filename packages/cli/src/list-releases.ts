/** `baryon run --list` and `--list-platforms`, in the forms that scripts around lb-run match. */
import { formatPlatform, parsePlatform, parseReleaseOperand } from '@baryon/environment'
import { matchingVersions, orderedTags } from './choose-release.ts'
import type { Context, Outcome } from './command.ts'
import { openToLook } from './open-to-look.ts'
import { areasOf } from './release-areas.ts'
import { localPlaces } from './release-environment.ts'
import type { PlacedRelease } from './release-places.ts'
import type { Settings } from './settings.ts'

/** `VERSION in DIRECTORY: TAG TAG…` a line, by place, the newest version first; an explicit platform leaves out what is not for it. */
export async function listVersions(context: Context, settings: Settings, text: string): Promise<Outcome> {
  const asked = context.arguments.value('platform')
  const tag = asked === undefined || asked === 'best' ? undefined : formatPlatform(parsePlatform(asked))
  const all = await findEverywhere(context, settings, text)
  const seen = new Set<string>()
  const releases = all.filter(({ version, platforms }) => {
    if (seen.has(version) || (tag !== undefined && !platforms.has(tag))) return false
    seen.add(version)
    return true
  })
  return {
    data: {
      releases: releases.map((one) => ({
        name: one.name,
        version: one.version,
        directory: one.directory,
        platforms: orderedTags(one),
      })),
    },
    text: releases.map((one) => `${one.version} in ${one.directory}: ${orderedTags(one).join(' ')}`).join('\n'),
  }
}

/** A tag a line, best first, of the newest version or the one that is said. */
export async function listPlatforms(context: Context, settings: Settings, text: string): Promise<Outcome> {
  const [release] = await findEverywhere(context, settings, text)
  const platforms = release === undefined ? [] : orderedTags(release)
  return {
    data: { ...(release === undefined ? {} : { name: release.name, version: release.version }), platforms },
    text: platforms.join('\n'),
  }
}

/** Nothing found is told, and no fault. */
async function findEverywhere(context: Context, settings: Settings, text: string): Promise<readonly PlacedRelease[]> {
  const { name, version } = parseReleaseOperand(text)
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  const found: PlacedRelease[] = []
  const labels: string[] = []
  try {
    for (const place of localPlaces(settings, store, areasOf(context))) {
      labels.push(place.label)
      found.push(...(await place.find(name)))
    }
  } finally {
    store.close()
  }
  const { withRepositoryPlace } = await import('./published-packages.ts')
  const published = await withRepositoryPlace(context, settings, (place) => {
    labels.push(place.label)
    return place.find(name)
  })
  found.push(...(published ?? []))
  const matching = matchingVersions(found, text)
  if (matching.length === 0) {
    const shown = version === undefined ? name : `${name}/${version}`
    context.terminal.err(`could not find ${shown} in ${labels.join(':')}\n`)
  }
  return matching
}
