import { changeRelease, formatReleaseName, parseReleaseName } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { openStore } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { lookUpRelease, releaseFor } from '../release-lookup.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [operand = ''] = given.operands
  // Nothing is removed that was only guessed.
  parseReleaseName(operand)
  const reader = await openStoreFor(context, [])
  const { storeDirectory } = reader
  reader.close()
  const { root } = await context.settings({ needsStack: true })
  const store = openStore({ storeDirectory, root })
  try {
    const release = lookUpRelease(store, operand)
    const tags = given.values('platform')
    for (const tag of tags) releaseFor(store, release, tag)
    const removed: string[] = []
    const left = changeRelease(store, release, (platforms) => {
      if (platforms.size === 0) throw new UserError('RELEASE_UNKNOWN', `${formatReleaseName(release)} was just removed`)
      const kept = new Map([...platforms].filter(([tag]) => tags.length > 0 && !tags.includes(tag)))
      removed.push(...[...platforms.keys()].filter((tag) => !kept.has(tag)))
      return kept
    })
    return {
      data: { name: release.name, version: release.version, removed, left: [...(left?.platforms.keys() ?? [])] },
      text: `${formatReleaseName(release)} is removed for ${removed.join(', ')}; baryon store gc frees what nothing else needs`,
    }
  } finally {
    store.close()
  }
}
