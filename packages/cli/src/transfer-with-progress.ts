/** Copies paths between the store and a cache while showing how it goes. */
import { readFileSync } from 'node:fs'
import { hasLog, readLog } from '@baryon/build'
import {
  type CacheAddress,
  isCacheUrl,
  type OnTransfer,
  openCache,
  openLookup,
  openLookupCache,
  type PullReport,
  type PushReport,
  parseCacheUrl,
  parseCompression,
  pullPaths,
  pushPaths,
} from '@baryon/cache'
import {
  isSystemError,
  parsePublicKey,
  parseSecretKey,
  type SecretKey,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context } from './command.ts'
import { createReporter } from './progress/reporter.ts'
import { stackSettings } from './stack-evaluation.ts'

export { isCacheUrl }

/** By the options `pushOptions`; what the URL itself says counts where no option does. */
export async function pushWithProgress(
  context: Context,
  store: Store,
  url: string,
  paths: readonly StorePath[],
): Promise<PushReport> {
  const given = context.arguments
  const location = parseCacheUrl(url)
  const keyFiles = [...given.values('key'), ...(location.secretKeyFile === undefined ? [] : [location.secretKeyFile])]
  const lookups = openLookupCache()
  return withReporter(context, (onEvent) =>
    pushPaths(store, cacheAddress(context, store, url), paths, {
      compression: parseCompression(given.value('compression') ?? location.compression ?? 'zstd'),
      compressionLevel: given.number('compression-level') ?? location.compressionLevel,
      keys: keyFiles.map(readSecretKey),
      writeListing: given.flag('write-nar-listing') || location.writeListing,
      indexDebugInfo: given.flag('index-debug-info') || location.indexDebugInfo,
      readLog: given.flag('logs') ? (derivation) => logOf(store, derivation) : undefined,
      jobs: given.number('jobs'),
      lookups: location.kind === 'file' ? undefined : lookups,
      onEvent,
      signal: context.signal,
    }),
  ).finally(() => lookups?.close())
}

/** By the options `pullOptions`. */
export async function pullWithProgress(
  context: Context,
  store: Store,
  url: string,
  paths: readonly StorePath[],
): Promise<PullReport> {
  const given = context.arguments
  const keys = given.values('trusted-public-key')
  const hasStack = context.command.options.some((option) => option.name === 'file')
  const settings = hasStack ? await stackSettings(context) : await context.settings({ needsStack: true })
  const trust = {
    keys: (keys.length > 0 ? keys : settings.trustedPublicKeys).map(parsePublicKey),
    trustAll: given.flag('no-check-sigs'),
  }
  const address = cacheAddress(context, store, url)
  const lookups = openLookupCache()
  let refusal: UserError | undefined
  const onRefusal = (error: UserError): void => {
    refusal ??= error
  }
  try {
    const cache = openCache(address.url, address.options)
    const lookup = await openLookup(cache, { trust, lookups, onRefusal }, context.signal)
    return await withReporter(context, (onEvent) =>
      pullPaths(store, [{ lookup, address }], paths, { jobs: given.number('jobs'), onEvent, signal: context.signal }),
    )
  } catch (error) {
    // That it is there and not believed says more than that it is missing.
    throw error instanceof UserError && error.code === 'CACHE_PATH_MISSING' && refusal !== undefined ? refusal : error
  } finally {
    lookups?.close()
  }
}

export function readSecretKey(file: string): SecretKey {
  try {
    return parseSecretKey(readFileSync(file, 'latin1'))
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
    throw new UserError('KEY_UNREADABLE', `the secret key '${file}' cannot be read (${error.code})`, {
      hint: 'baryon cache create-key makes one',
      cause: error,
    })
  }
}

/** Shows the copying as the reporter of builds shows what it copies. */
export async function withReporter<T>(context: Context, work: (onEvent: OnTransfer) => Promise<T> | T): Promise<T> {
  const { report, close } = createReporter(context.terminal, { verbose: context.verbose })
  const onEvent: OnTransfer = (event) => {
    if (event.kind === 'notice') return report(event)
    if (event.kind === 'planned') {
      const { paths: substitutes, bytes: downloadBytes } = event
      return report({ kind: 'planned', builds: 0, fetches: 0, substitutes, downloadBytes, expectedSeconds: 0 })
    }
    const task = storePathBaseName(event.path)
    switch (event.kind) {
      case 'started':
        return report({
          kind: 'started',
          task,
          activity: 'substitute',
          name: event.path.name,
          derivation: undefined,
          expectedSeconds: undefined,
        })
      case 'progress':
        return report({ kind: 'progress', task, bytes: event.bytes, total: event.total })
      case 'finished':
        return report({ kind: 'finished', task, activity: 'substitute', seconds: event.seconds, outcome: 'made' })
      case 'failed':
        return report({ kind: 'failed', task, activity: 'substitute', seconds: event.seconds, error: event.error })
    }
  }
  try {
    return await work(onEvent)
  } finally {
    close()
  }
}

function cacheAddress(context: Context, store: Store, url: string): CacheAddress {
  const declared = context.command.options.some((option) => option.name === 'token-file')
  const file = declared ? context.arguments.value('token-file') : undefined
  const token = file === undefined ? process.env.BARYON_CACHE_TOKEN || undefined : readToken(file)
  return { url, options: { storeDirectory: store.storeDirectory, token } }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
    throw new UserError('TOKEN_UNREADABLE', `the token '${file}' cannot be read (${error.code})`, { cause: error })
  }
}

async function logOf(store: Store, derivation: StorePath): Promise<Buffer | undefined> {
  return hasLog(store, derivation) ? readLog(store, derivation) : undefined
}
