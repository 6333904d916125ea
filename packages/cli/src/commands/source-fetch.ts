import { fetchSource, openSourceArchive } from '@baryon/fetch'
import { formatHash, parseHash } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { sourceDirectory } from '../source-directory.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const [url = ''] = given.operands
  const expected = given.value('hash')
  const archive = openSourceArchive(sourceDirectory(await context.settings()))
  const name =
    given.value('name') ??
    (decodeURIComponent(
      url
        .replace(/[?#].*$/, '')
        .split('/')
        .at(-1) ?? '',
    ) ||
      'source')
  const fetched = await fetchSource(archive, {
    name,
    upstream: { kind: 'url', urls: [url] },
    hash: expected === undefined ? undefined : parseHash(expected),
    signal: context.signal,
  })
  const hash = formatHash(fetched.hash, 'sri')
  return {
    data: { url, hash, size: fetched.file.size, file: fetched.file.path, from: fetched.from },
    text: hash,
  }
}
