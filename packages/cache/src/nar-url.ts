import { type Narinfo, quoteBytes, storePathBaseName, UserError } from '@baryon/format'
import type { CacheUrl } from './cache-url.ts'

/**
 * The file of the cache that a narinfo names. Whoever writes narinfos must not make us read anything else: an absolute
 * URL has to lie below that of the cache, and no path may lead out of it. Throws `NARINFO_URL`.
 */
export function narName(cache: CacheUrl, info: Pick<Narinfo, 'url' | 'path'>): string {
  const { url } = info
  let name = url
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    if (cache.kind !== 'http') throw refuse(info, 'is absolute')
    const target = URL.parse(url)
    if (target?.origin !== cache.base.origin) throw refuse(info, 'leads to another server')
    if (!target.pathname.startsWith(cache.base.pathname) || target.search !== '') {
      throw refuse(info, 'lies outside of the cache')
    }
    name = decode(info, target.pathname.slice(cache.base.pathname.length))
  }
  if (!/^[!-~]{1,1024}$/.test(name)) throw refuse(info, 'has illegal characters')
  if (/[\\%?#:]/.test(name)) throw refuse(info, 'has illegal characters')
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw refuse(info, 'leads out of the cache')
  }
  return name
}

function decode(info: Pick<Narinfo, 'url' | 'path'>, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(info, 'has illegal characters')
  }
}

function refuse({ url, path }: Pick<Narinfo, 'url' | 'path'>, reason: string): UserError {
  return new UserError(
    'NARINFO_URL',
    `the narinfo of '${storePathBaseName(path)}' has the URL ${quoteBytes(url)}, which ${reason}`,
    { hint: 'the cache is damaged or hostile: leave it out' },
  )
}
