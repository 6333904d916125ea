/** A binary cache: its narinfos, archives, listings and logs, wherever it is kept. */
import type { ByteSource } from '@baryon/fetch'
import {
  type CacheInfo,
  formatCacheInfo,
  formatNarinfo,
  type Narinfo,
  parseCacheInfo,
  parseNarinfo,
  type StorePath,
  storePathBaseName,
  storePathsEqual,
  UserError,
} from '@baryon/format'
import { wrongStoreDirectory } from './cache-error.ts'
import { type CacheUrl, parseCacheUrl } from './cache-url.ts'
import { narName } from './nar-url.ts'
import { openTransport, type TransportOptions } from './open-transport.ts'
import { type ReadNarOptions, readNar } from './read-nar.ts'
import { defaultRetries } from './retry.ts'
import type { Body } from './transport.ts'

export interface BinaryCache {
  /** For messages. */
  readonly name: string
  readonly location: CacheUrl
  readonly storeDirectory: string
  readonly isLocal: boolean
  readonly scratchDirectory: string | undefined

  /** What it says of itself; throws `CACHE_MISSING` when there is no cache, `CACHE_STORE_DIRECTORY` when it is one of another store. */
  info(signal?: AbortSignal): Promise<CacheInfo>
  /** The text of a narinfo, or undefined for a path that it does not have. */
  narinfoText(path: StorePath, signal?: AbortSignal): Promise<string | undefined>
  /** Reads such a text, which must be about this very path. */
  parse(path: StorePath, text: string): Narinfo
  narinfo(path: StorePath, signal?: AbortSignal): Promise<Narinfo | undefined>
  has(path: StorePath, signal?: AbortSignal): Promise<boolean>
  /** The archive, decompressed and of the announced size; its hash is not checked. */
  nar(info: Narinfo, options?: ReadNarOptions): ByteSource
  /** Nix's JSON of what is in the archive. */
  listing(path: StorePath, signal?: AbortSignal): Promise<string | undefined>
  /** The log of a derivation. */
  log(derivation: StorePath, signal?: AbortSignal): Promise<Buffer | undefined>

  /** Makes it a cache, unless it is one. */
  initialise(signal?: AbortSignal): Promise<void>
  /** Everything that the narinfo promises must have been put there before. */
  putNarinfo(info: Narinfo, signal?: AbortSignal): Promise<void>
  putFile(name: string, body: Body, signal?: AbortSignal): Promise<void>
  hasFile(name: string, signal?: AbortSignal): Promise<boolean>
}

export interface CacheOptions extends TransportOptions {
  readonly storeDirectory: string
}

/** Opens the cache of that name; nothing is asked of it yet. */
export function openCache(url: string, options: CacheOptions): BinaryCache {
  const location = parseCacheUrl(url)
  const transport = openTransport(location, options)
  const { storeDirectory, retries = defaultRetries } = options
  const cacheInfo = async (signal: AbortSignal | undefined): Promise<CacheInfo | undefined> => {
    const bytes = await transport.get('nix-cache-info', INFO_LIMIT, signal)
    if (bytes === undefined) return undefined
    const info = parseCacheInfo(bytes.toString('latin1'))
    if (info.storeDirectory !== undefined && info.storeDirectory !== storeDirectory) {
      throw wrongStoreDirectory(transport.url, info.storeDirectory, storeDirectory)
    }
    return location.priority === undefined ? info : { ...info, priority: location.priority }
  }
  const cache: BinaryCache = {
    name: transport.url,
    location,
    storeDirectory,
    isLocal: transport.isLocal,
    scratchDirectory: transport.scratchDirectory,
    async info(signal) {
      const info = await cacheInfo(signal)
      if (info !== undefined) return info
      throw new UserError('CACHE_MISSING', `${transport.url} is not a binary cache: it has no nix-cache-info`, {
        hint: 'check the URL; baryon cache push makes a cache of a directory',
      })
    },
    async narinfoText(path, signal) {
      const bytes = await transport.get(`${path.digest}.narinfo`, NARINFO_LIMIT, signal)
      return bytes?.toString('latin1')
    },
    parse(path, text) {
      const info = parseNarinfo(storeDirectory, text)
      if (!storePathsEqual(info.path, path)) {
        throw new UserError(
          'NARINFO_INVALID',
          `the narinfo of '${storePathBaseName(path)}' in ${transport.url} is about '${storePathBaseName(info.path)}'`,
          { hint: 'the cache is damaged or hostile: leave it out' },
        )
      }
      narName(location, info)
      return info
    },
    async narinfo(path, signal) {
      const text = await cache.narinfoText(path, signal)
      return text === undefined ? undefined : cache.parse(path, text)
    },
    has: (path, signal) => transport.has(`${path.digest}.narinfo`, signal),
    nar: (info, readOptions = {}) => readNar(transport, narName(location, info), info, retries, readOptions),
    async listing(path, signal) {
      return (await transport.get(`${path.digest}.ls`, LARGE_LIMIT, signal))?.toString('utf8')
    },
    log: (derivation, signal) => transport.get(`log/${storePathBaseName(derivation)}`, LARGE_LIMIT, signal),
    async initialise(signal) {
      if ((await cacheInfo(signal)) !== undefined) return
      const bytes = Buffer.from(formatCacheInfo({ storeDirectory }), 'latin1')
      await transport.put('nix-cache-info', { kind: 'bytes', bytes }, signal)
    },
    async putNarinfo(info, signal) {
      const bytes = Buffer.from(formatNarinfo(storeDirectory, info), 'latin1')
      await transport.put(`${info.path.digest}.narinfo`, { kind: 'bytes', bytes }, signal)
    },
    putFile: (name, body, signal) => transport.put(name, body, signal),
    hasFile: (name, signal) => transport.has(name, signal),
  }
  return cache
}

/** Bytes; the largest real narinfos (thousands of references) have some 100 kB. */
const INFO_LIMIT = 64 * 1024
const NARINFO_LIMIT = 4 * 1024 * 1024
const LARGE_LIMIT = 512 * 1024 * 1024
