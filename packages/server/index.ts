export { parseToken } from './src/authorise.ts'
export { type BinaryCache, type BinaryCacheOptions, createBinaryCache } from './src/binary-cache.ts'
export type { BodyStream, CacheRequest, CacheResponse, WebService } from './src/exchange.ts'
export { createFileService, type FileServiceOptions, type ServedFile } from './src/file-service.ts'
export {
  type AccessRecord,
  type HttpLimits,
  type HttpServerOptions,
  type ListenAddress,
  type RunningServer,
  serveHttp,
} from './src/http-server.ts'
export type { NarCoding } from './src/parse-target.ts'
