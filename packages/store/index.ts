export type { AddPathOptions, Batch, OutputOptions, OutputToRegister } from './src/additions.ts'
export { syncDirectory, writeFileAtomically } from './src/atomic-file.ts'
export { type NativePath, nativePath, pathBytes, shownPath } from './src/byte-path.ts'
export { type CanonicaliseOptions, canonicaliseTree } from './src/canonicalise-tree.ts'
export { closureOf, topologicalOrder } from './src/closure.ts'
export type { CollectOptions, CollectResult } from './src/collect-garbage.ts'
export { firstDifferingByte } from './src/compare-files.ts'
export {
  measureUsage,
  type PackageUsage,
  type PathUsage,
  type RootUsage,
  type Sizes,
  type StoreUsage,
  type UsageOptions,
} from './src/disk-usage.ts'
export { FILE_KINDS, type FileKind, fileKindOf } from './src/file-kind.ts'
export { type Generation, listGenerations, removeOldGenerations } from './src/generations.ts'
export { linkDirectory, removeLinks } from './src/link-directory.ts'
export { allRoots, type RootReport } from './src/live-roots.ts'
export { locateReferences } from './src/locate-references.ts'
export { defaultRoot, type LocationOptions, resolveLocation, type StoreLocation } from './src/location.ts'
export { type LockDirectory, type LockFile, openLockDirectory } from './src/lock-file.ts'
export { type NarChunksOptions, type NarObserver, narChunks } from './src/nar-chunks.ts'
export { createTreeRestorer, dumpNar, hashPath, readFlatFile, restoreNar, type TreeRestorer } from './src/nar-tree.ts'
export type { OptimiseOptions, OptimiseResult } from './src/optimise.ts'
export type { NewPathInfo, PathInfo } from './src/path-info.ts'
export type { LockOptions, PathLock } from './src/path-locks.ts'
export { createNarReceiver, type NarReceiver } from './src/receive-nar.ts'
export { decodePositions, encodePositions, type PositionRecord } from './src/reference-positions.ts'
export { createReferenceScanner, type ReferenceScanner, type ReferenceSink } from './src/reference-scanner.ts'
export { removeTree } from './src/remove-tree.ts'
export type { Root } from './src/roots.ts'
export { type ItemPositions, type ScanResult, scanForReferences } from './src/scan-tree.ts'
export { isSmallTree } from './src/small-tree.ts'
export { type ClosureOptions, openStore, type Store, type StoreOptions } from './src/store.ts'
export { isDatabaseOf, isOnlyWritableBy } from './src/store-safety.ts'
export { codedError } from './src/system-error.ts'
export type { VerifyOptions, VerifyProblem, VerifyReport } from './src/verify.ts'
export { type FileType, type TreeFilter, walkTree } from './src/walk-tree.ts'
