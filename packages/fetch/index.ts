export type { ArchiveEntry } from './src/archive-entry.ts'
export { type Compression, decompress, detectCompression } from './src/decompress.ts'
export {
  decompressFile,
  readDebControl,
  type UnpackOptions,
  type UnpackProgress,
  type UnpackResult,
  unpackArchive,
} from './src/unpack-archive.ts'
