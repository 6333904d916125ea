/** What can be wrong with a cache. */
import { type StorePath, storePathBaseName, UserError } from '@baryon/format'

/** A file that the cache itself promised, or that was asked for by name. */
export function fileMissing(url: string, name: string): UserError {
  return new UserError('CACHE_FILE_MISSING', `${url} does not have '${name}'`, {
    hint: 'the cache is incomplete or was cleaned up: use another one, or build',
  })
}

export function tooLarge(url: string, name: string, limit: number): UserError {
  return new UserError('CACHE_FILE_TOO_LARGE', `'${name}' of ${url} is larger than ${limit} bytes`, {
    hint: 'the cache is damaged or lies: leave it out',
  })
}

export function pathMissing(path: StorePath, urls: readonly string[]): UserError {
  return new UserError('CACHE_PATH_MISSING', `'${storePathBaseName(path)}' is not in ${urls.join(', ')}`, {
    hint: 'check the path and the cache; what is not in a cache must be built',
  })
}

export function wrongStoreDirectory(url: string, theirs: string, ours: string): UserError {
  return new UserError('CACHE_STORE_DIRECTORY', `${url} is a cache for '${theirs}', not for '${ours}'`, {
    hint: `its paths work in '${theirs}' only: choose that store with --store-dir, or another cache`,
  })
}
