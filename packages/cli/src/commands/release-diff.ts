import { formatReleaseName, type ReleaseManifest } from '@baryon/environment'
import type { Store } from '@baryon/store'
import { comparePackages, type SizedPath } from '../closure-difference.ts'
import type { Context, Outcome } from '../command.ts'
import { lookUpRelease, releaseFor } from '../release-lookup.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, [])
  try {
    const [before, after] = given.operands.map((operand) => lookUpRelease(store, operand)) as [
      ReturnType<typeof lookUpRelease>,
      ReturnType<typeof lookUpRelease>,
    ]
    const tag = given.value('platform')
    const tags = tag === undefined ? [...before.platforms.keys()].filter((one) => after.platforms.has(one)) : [tag]
    const only = (one: typeof before, other: typeof before) =>
      tag === undefined ? [...one.platforms.keys()].filter((each) => !other.platforms.has(each)) : []
    const [removed, added] = [only(before, after), only(after, before)]
    const compared = tags.map((platform) => {
      const [first, second] = [before, after].map((one) => packagePaths(store, releaseFor(store, one, platform)))
      return { platform, outcome: comparePackages(first!, second!) }
    })
    const isEqual = removed.length + added.length === 0 && compared.every(({ outcome }) => outcome.status === 0)
    return {
      data: {
        before: formatReleaseName(before),
        after: formatReleaseName(after),
        equal: isEqual,
        removedPlatforms: removed,
        addedPlatforms: added,
        platforms: compared.map(({ platform, outcome }) => ({ platform, ...(outcome.data as object) })),
      },
      text: [
        ...removed.map((platform) => `- ${platform}`),
        ...added.map((platform) => `+ ${platform}`),
        ...compared
          .filter(({ outcome }) => outcome.status !== 0)
          .map(({ platform, outcome }) => `${platform}\n${outcome.text?.replace(/^/gm, '  ')}`),
      ].join('\n'),
      status: isEqual ? 0 : 1,
    }
  } finally {
    store.close()
  }
}

/** Without the paths that are the release's own: they always differ. */
function packagePaths(store: Store, { view, name, version, closure }: ReleaseManifest): SizedPath[] {
  return closure
    .map(({ path, narSize }) => ({ path: store.parse(path), narSize }))
    .filter(({ path }) => store.format(path) !== view && path.name !== `${name}-${version}-tasks`)
}
