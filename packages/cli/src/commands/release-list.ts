import { formatReleaseName, listReleases } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { lookUpRelease, sameName } from '../release-lookup.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const [name] = context.arguments.operands
  const store = await openStoreFor(context, [])
  try {
    // For its error, when there is none of this name.
    if (name !== undefined) lookUpRelease(store, name)
    const all = listReleases(store)
    const releases = (name === undefined ? all : sameName(all, name)).map(({ index, platforms, ...release }) => ({
      ...release,
      index: store.format(index),
      platforms: Object.fromEntries([...platforms].map(([tag, path]) => [tag, store.format(path)])),
    }))
    return {
      data: { releases },
      text: formatTable(
        releases.map((release) => [formatReleaseName(release), Object.keys(release.platforms).join(' ')]),
      ),
    }
  } finally {
    store.close()
  }
}
