import { resolve } from 'node:path'
import {
  type ComposedRelease,
  changeRelease,
  composeRelease,
  formatPlatform,
  formatReleaseName,
  leftOut,
  parseNewReleaseName,
  parsePlatform,
  type Release,
  readManifest,
  releaseLayout,
} from '@baryon/environment'
import { type StorePath, storePathBaseName, UserError } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
import { layOut } from '../lay-out.ts'
import { UsageError } from '../parse-arguments.ts'
import { type ReleaseDescription, readDescription } from '../release-description.ts'
import { findMembers, type Member, plannedPackage } from '../release-members.ts'
import { build, missingTargets } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { stackSettings } from '../stack-evaluation.ts'
import { stackPlatforms } from '../stack-packages.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const name = parseNewReleaseName(given.operands[0]!)
  const settings = await stackSettings(context)
  if (settings.stack === undefined) throw new UsageError('a release is described in a stack: --expr has none')
  const description = await readDescription(settings, name)
  const platforms = await platformsOf(context, settings, description)
  const members = new Map<string, readonly Member[]>()
  for (const platform of platforms) {
    members.set(platform, await findMembers(context, settings, description.packages, platform))
  }
  const store = openStore({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    // All platforms in one graph: what they have in common is built once.
    await build(context, store, missingTargets(store, [...members.values()].flat()))
    const composed = platforms.map((platform) => {
      const packages = members.get(platform)!.map((member) => plannedPackage(store, member, description))
      return composeRelease(store, { ...planOf(description), platform, packages })
    })
    const outcome = record(context, store, description, composed)
    const area = context.arguments.value('area')
    if (area !== undefined) {
      const links = composed.flatMap(({ path, manifest }) => releaseLayout(manifest, store.format(path)))
      layOut(resolve(area), links)
    }
    return outcome
  } finally {
    store.close()
  }
}

async function platformsOf(
  context: Context,
  settings: Settings,
  { platforms, ...name }: ReleaseDescription,
): Promise<readonly string[]> {
  const asked = context.arguments.values('platform')
  const tags = asked.length > 0 ? asked : (platforms ?? (await stackPlatforms(context, settings)))
  if (tags.length > 0) return [...new Set(tags.map((tag) => formatPlatform(parsePlatform(tag))))]
  throw new UserError(
    'RELEASE_PLATFORMS',
    `neither the stack nor ${formatReleaseName(name)} says for which platforms`,
    {
      hint: 'say them in the description, platforms = ["TAG"], or with -c TAG',
    },
  )
}

function planOf({ name, version, description, program, variables, tasks }: ReleaseDescription) {
  return { name, version, description, ...(program === undefined ? {} : { program }), variables, tasks }
}

function record(
  context: Context,
  store: Store,
  description: ReleaseDescription,
  composed: readonly ComposedRelease[],
): Outcome {
  const isReplaced = context.arguments.flag('replace')
  let isChanged = false
  const release = changeRelease(store, description, (before) => {
    const after = new Map(before)
    for (const one of composed) {
      const { platform } = one.manifest
      const former = before.get(platform)
      if (former !== undefined && storePathBaseName(former) === storePathBaseName(one.path)) continue
      if (former !== undefined && !isReplaced) throw otherContents(store, one, former)
      after.set(platform, one.path)
      isChanged = true
    }
    return after
  })
  return outcome(context, store, release!, composed, isChanged)
}

function otherContents(store: Store, { manifest }: ComposedRelease, former: StorePath): UserError {
  const before = new Map(
    readManifest(store.physicalPath(former))?.packages.map(({ attribute, paths }) => [attribute, paths.join()]),
  )
  const changed = [
    ...manifest.packages
      .filter(({ attribute, paths }) => before.get(attribute) !== paths.join())
      .map(({ attribute }) => attribute),
    ...[...before.keys()].filter((attribute) => !manifest.packages.some((one) => one.attribute === attribute)),
  ]
  const what = changed.length === 0 ? 'variables, tasks or order' : changed.slice(0, 12).join(', ')
  return new UserError(
    'RELEASE_EXISTS',
    `${formatReleaseName(manifest)} exists for ${manifest.platform} with other contents: ${what}`,
    { hint: 'give the changed one another version, or replace it: --replace' },
  )
}

function outcome(
  context: Context,
  store: Store,
  release: Release,
  composed: readonly ComposedRelease[],
  isChanged: boolean,
): Outcome {
  for (const { file, variable } of leftOut(composed[0]!.manifest)) {
    context.terminal.err(`note: ${file} is left out: it has no way to say the value of ${variable}\n`)
  }
  const platforms = composed.map(({ path, manifest }) => ({
    platform: manifest.platform,
    path: store.format(path),
    view: manifest.view,
    packages: manifest.packages.length,
    closure: manifest.closure.length,
    narSize: manifest.closure.reduce((sum, { narSize }) => sum + narSize, 0),
  }))
  if (!isChanged) context.terminal.err(`${formatReleaseName(release)} is there already, with the same contents\n`)
  return {
    data: {
      name: release.name,
      version: release.version,
      isChanged,
      index: store.format(release.index),
      platforms,
      leftOut: leftOut(composed[0]!.manifest),
    },
    text: formatTable(
      platforms.map(({ platform, path, closure, narSize }) => [
        platform,
        path,
        `${formatCount(closure, 'path')}, ${formatBytes(narSize)}`,
      ]),
    ),
  }
}
