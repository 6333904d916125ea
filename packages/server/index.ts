export { parseToken } from './src/authorise.ts'
export { type BinaryCache, type BinaryCacheOptions, createBinaryCache } from './src/binary-cache.ts'
export type { BodyStream, CacheRequest, CacheResponse } from './src/exchange.ts'
export {
  type AccessRecord,
  type HttpLimits,
  type HttpServerOptions,
  type ListenAddress,
  type RunningServer,
  serveCache,
} from './src/http-server.ts'
export type { NarCoding } from './src/parse-target.ts'
