export { type BinaryCache, type CacheOptions, openCache } from './src/binary-cache.ts'
export { type CacheSettings, type CacheUrl, isCacheUrl, parseCacheUrl } from './src/cache-url.ts'
export { parseCompression, type WritableCompression } from './src/compress-nar.ts'
export { copyPaths } from './src/copy-paths.ts'
export { findClosure } from './src/find-closure.ts'
export { type BucketLocation, parseBucketLocation } from './src/locate-bucket.ts'
export { type CacheLookup, type LookupOptions, openLookup, type PathFinder } from './src/look-up.ts'
export { type LookupCache, openLookupCache } from './src/lookup-cache.ts'
export { closureChanges } from './src/publish-closure.ts'
export { fileRecord, markerRecord, parseRecord } from './src/published-record.ts'
export {
  type PathSource,
  type PullOptions,
  type PullReport,
  type PullSource,
  pullPaths,
  receiveClosure,
} from './src/pull.ts'
export { type PushOptions, type PushReport, pushPaths } from './src/push.ts'
export { openRepositorySource, type RepositorySource } from './src/repository-source.ts'
export { type CacheSubstituter, openSubstituters } from './src/substituter.ts'
export type { OnTransfer, TransferEvent } from './src/transfer-event.ts'
export type { CacheAddress } from './src/transfer-job.ts'
export { checkTrust, type Trust } from './src/trust.ts'
