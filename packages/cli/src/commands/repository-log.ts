import { formatContentHash } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { openNamed } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const repository = await openNamed(context, context.arguments.operands[0]!)
  const { manifest, whitelist } = repository
  const tags = await repository.tags(context.signal)
  const current = { revision: manifest.revision, rootCatalog: formatContentHash(manifest.rootCatalog) }
  const rows = tags.map((tag) => [
    String(tag.revision),
    new Date(tag.timestamp * 1000).toISOString().slice(0, 19).replace('T', ' '),
    tag.name,
    tag.description,
  ])
  const expires = new Date(whitelist.expires).toISOString()
  return {
    data: {
      name: manifest.name,
      ...current,
      published: manifest.published ?? null,
      ttl: manifest.ttl,
      whitelistExpires: expires,
      tags: tags.map(({ rootCatalog, size: _, ...tag }) => ({ ...tag, rootCatalog: formatContentHash(rootCatalog) })),
    },
    text:
      `${manifest.name}: revision ${current.revision}, root catalog ${current.rootCatalog}\n` +
      `whitelist valid until ${expires.slice(0, 16).replace('T', ' ')} UTC\n${formatTable(rows, [0])}`,
  }
}
