export { type AptConfiguration, type AptSource, readAptConfiguration } from './src/apt-configuration.ts'
export type { ArchiveEntry } from './src/archive-entry.ts'
export type { ByteSource } from './src/byte-reader.ts'
export { type DebianIndexRequest, type DebianPin, findDebianPins } from './src/debian-index.ts'
export { compareDebianVersions } from './src/debian-version.ts'
export { type Compression, decompress, detectCompression } from './src/decompress.ts'
export { type FetchDebRequest, fetchDeb } from './src/fetch-deb.ts'
export { connectionFailure, type FetchFailure, statusFailure } from './src/fetch-failure.ts'
export { type FetchedGitTree, type FetchGitRequest, fetchGit } from './src/fetch-git.ts'
export { type FetchedSource, type FetchSourceRequest, fetchSource, type Upstream } from './src/fetch-source.ts'
export { type FetchedTree, type FetchTarballRequest, fetchTarball } from './src/fetch-tarball.ts'
export {
  type FetchedFile,
  type FetchOptions,
  type FetchProgress,
  type FetchUrlRequest,
  fetchUrl,
} from './src/fetch-url.ts'
export { type HttpRequest, type HttpResponse, requestHttp, withoutPassword } from './src/http-request.ts'
export {
  type ArchivedFile,
  openSourceArchive,
  type PutOptions,
  type SourceArchive,
  type SourceArchiveOptions,
} from './src/source-archive.ts'
export type { SourceRecord } from './src/source-record.ts'
export {
  decompressFile,
  readDebControl,
  type UnpackOptions,
  type UnpackProgress,
  type UnpackResult,
  unpackArchive,
} from './src/unpack-archive.ts'
export { type UnpackManyOptions, type UnpackManyProgress, unpackMany } from './src/unpack-many.ts'
