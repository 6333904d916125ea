/**
 * Names of binary caches, with settings behind a question mark as Nix has them:
 *
 *     /srv/cache                                     a directory
 *     file:///srv/cache?compression=none             the same
 *     https://cache.example.org?priority=30
 *     s3://bucket/folder?region=eu-west-1&profile=ci&endpoint=s3.example.org:9000&scheme=http
 */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quoteBytes, UserError } from '@baryon/format'

export type CacheUrl = FileUrl | HttpUrl | S3Url

export interface FileUrl extends CacheSettings {
  readonly kind: 'file'
  readonly directory: string
}

export interface HttpUrl extends CacheSettings {
  readonly kind: 'http'
  /** Ends in a slash. */
  readonly base: URL
}

export interface S3Url extends CacheSettings {
  readonly kind: 's3'
  readonly bucket: string
  /** Empty, or ends in a slash. */
  readonly prefix: string
  readonly region: string | undefined
  readonly profile: string | undefined
  /** Host, with a port if need be; then the bucket is a part of the path. */
  readonly endpoint: string | undefined
  readonly scheme: 'https' | 'http'
}

export interface CacheSettings {
  /** The URL as it was given: opens the same cache again. */
  readonly text: string
  /** Overrides what the cache says of itself. */
  readonly priority: number | undefined
  /** No signatures are wanted. */
  readonly isTrusted: boolean
  readonly compression: string | undefined
  readonly compressionLevel: number | undefined
  readonly writeListing: boolean
  readonly indexDebugInfo: boolean
  /** File with the key that signs what is put there. */
  readonly secretKeyFile: string | undefined
}

/** Reads the name of a cache; a path is one of a directory. Throws `CACHE_URL`. */
export function parseCacheUrl(text: string): CacheUrl {
  const scheme = /^([a-z0-9+]+):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const [path = '', query = ''] = splitQuery(text)
    if (path === '') throw invalid(text, 'it is empty')
    return { kind: 'file', directory: resolve(path), ...settings(text, new URLSearchParams(query)) }
  }
  const url = URL.parse(text)
  if (url === null) throw invalid(text, 'it is no URL')
  const common = settings(text, url.searchParams)
  switch (scheme) {
    case 'file':
      if (url.host !== '') throw invalid(text, `it names the host ${quoteBytes(url.host)}`)
      return { kind: 'file', directory: fileURLToPath(`file://${url.pathname}`), ...common }
    case 'http':
    case 'https': {
      const base = new URL(url)
      base.search = ''
      base.hash = ''
      if (!base.pathname.endsWith('/')) base.pathname += '/'
      return { kind: 'http', base, ...common }
    }
    case 's3':
      return s3Url(text, url, common)
    default:
      throw invalid(text, `the scheme ${scheme} is not known`)
  }
}

/** True for what can only be a cache: a URL, not the directory of a store. */
export function isCacheUrl(text: string): boolean {
  return /^(file|https?|s3):\/\//i.test(text)
}

function s3Url(text: string, url: URL, common: CacheSettings): S3Url {
  const folder = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(url.hostname)) throw invalid(text, 'it names no bucket')
  const scheme = url.searchParams.get('scheme') ?? 'https'
  if (scheme !== 'http' && scheme !== 'https') throw invalid(text, `the scheme ${quoteBytes(scheme)} is not known`)
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: folder === '' ? '' : `${folder}/`,
    region: url.searchParams.get('region') ?? undefined,
    profile: url.searchParams.get('profile') ?? undefined,
    endpoint: url.searchParams.get('endpoint') ?? undefined,
    scheme,
    ...common,
  }
}

function settings(text: string, query: URLSearchParams): CacheSettings {
  for (const name of query.keys()) {
    if (!KNOWN.has(name)) throw invalid(text, `the setting ${quoteBytes(name)} is not known`)
  }
  const flag = (name: string): boolean => ['1', 'true', 'yes'].includes(query.get(name) ?? '')
  const number = (name: string): number | undefined => {
    const value = query.get(name)
    if (value === null) return undefined
    if (!/^-?\d{1,9}$/.test(value)) throw invalid(text, `${name} is not a number`)
    return Number(value)
  }
  return {
    text,
    priority: number('priority'),
    isTrusted: flag('trusted'),
    compression: query.get('compression') ?? undefined,
    compressionLevel: number('compression-level'),
    writeListing: flag('write-nar-listing'),
    indexDebugInfo: flag('index-debug-info'),
    secretKeyFile: query.get('secret-key') ?? undefined,
  }
}

/** The last four are Nix's and change nothing here. */
const KNOWN: ReadonlySet<string> = new Set([
  'priority',
  'trusted',
  'compression',
  'compression-level',
  'write-nar-listing',
  'index-debug-info',
  'secret-key',
  'region',
  'profile',
  'endpoint',
  'scheme',
  'parallel-compression',
  'want-mass-query',
  'local-nar-cache',
  'multipart-upload',
])

function splitQuery(text: string): string[] {
  const mark = text.indexOf('?')
  return mark < 0 ? [text] : [text.slice(0, mark), text.slice(mark + 1)]
}

function invalid(text: string, reason: string): UserError {
  return new UserError('CACHE_URL', `${quoteBytes(text)} does not name a binary cache: ${reason}`, {
    hint: 'give a directory, file:///DIR, https://HOST or s3://BUCKET?region=REGION, with settings such as ?priority=30',
  })
}
