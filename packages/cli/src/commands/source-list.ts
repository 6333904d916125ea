import { openSourceArchive } from '@baryon/fetch'
import { formatHash } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
import { sourceDirectory } from '../source-directory.ts'

export async function run(context: Context): Promise<Outcome> {
  const archive = openSourceArchive(sourceDirectory(await context.settings()))
  const sources = [...archive.list()].map((file) => ({
    hash: formatHash(file.hash, 'sri'),
    size: file.size,
    name: file.name ?? '',
    kind: file.kind,
    file: file.path,
  }))
  const total = sources.reduce((sum, { size }) => sum + size, 0)
  const rows = sources.map(({ hash, size, name }) => [hash, formatBytes(size), name])
  const sum = `${formatCount(sources.length, 'source')}, ${formatBytes(total)}`
  return { data: { sources, size: total }, text: sources.length === 0 ? sum : `${formatTable(rows, [1])}\n${sum}` }
}
