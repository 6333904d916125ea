import { formatReleaseName, listReleases, type Release } from '@baryon/environment'
import { parsePackageName, type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { openStoreFor } from '../store-operands.ts'
import { meets, parseCondition, type VersionCondition } from '../version-condition.ts'

interface Affected {
  readonly release: Release
  readonly platform: string
  readonly path: StorePath
  /** In its closure. */
  readonly packages: StorePath[]
}

export async function run(context: Context): Promise<Outcome> {
  const condition = parseCondition(context.arguments.operands.join(' '))
  const store = await openStoreFor(context, [])
  try {
    const affected = findAffected(store, condition)
    return {
      data: {
        affected: affected.map(({ release, platform, path, packages }) => ({
          name: release.name,
          version: release.version,
          platform,
          path: store.format(path),
          packages: packages.map((one) => store.format(one)),
        })),
      },
      text: affected
        .map(({ release, platform, packages }) => {
          const names = [...new Set(packages.map(({ name }) => name))].sort()
          return `${formatReleaseName(release)}  ${platform}  ${names.join(' ')}`
        })
        .join('\n'),
    }
  } finally {
    store.close()
  }
}

/** A release refers to every path of its closure, whose hashes are in its manifest: one question a package is enough. */
function findAffected(store: Store, condition: VersionCondition): Affected[] {
  const wanted = store.allValidPaths().filter(({ name: text }) => {
    if (text.endsWith('.drv')) return false
    const { name, version } = parsePackageName(text)
    return meets(condition, name, version)
  })
  const found = new Map(
    listReleases(store).flatMap((release) =>
      [...release.platforms].map(([platform, path]): [string, Affected] => [
        storePathBaseName(path),
        { release, platform, path, packages: [] },
      ]),
    ),
  )
  for (const one of wanted) {
    for (const path of store.queryReferrers(one)) found.get(storePathBaseName(path))?.packages.push(one)
  }
  return [...found.values()].filter(({ packages }) => packages.length > 0)
}
