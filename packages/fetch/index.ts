export { type AptConfiguration, type AptSource, readAptConfiguration } from './src/apt-configuration.ts'
export type { ArchiveEntry } from './src/archive-entry.ts'
export { type Compression, decompress, detectCompression } from './src/decompress.ts'
export { type FetchDebRequest, fetchDeb } from './src/fetch-deb.ts'
export {
  type FetchedFile,
  type FetchOptions,
  type FetchProgress,
  type FetchUrlRequest,
  fetchUrl,
} from './src/fetch-url.ts'
export {
  decompressFile,
  readDebControl,
  type UnpackOptions,
  type UnpackProgress,
  type UnpackResult,
  unpackArchive,
} from './src/unpack-archive.ts'
