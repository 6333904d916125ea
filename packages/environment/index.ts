export {
  type ActivationKind,
  activationOf,
  applyActivation,
  formatActivation,
  type Prefix,
} from './src/activation.ts'
export { type Change, isVariableName, mapChange, separators } from './src/change.ts'
export { type DeclaredList, type DeclaredVariable, declaredChanges, showDeclared } from './src/declared-variable.ts'
export { environmentClosure } from './src/environment-closure.ts'
export { detectHost, type Host, whyNot } from './src/host.ts'
export { type Freshness, formatLaunch, formatLaunchFile, type Launch, statArguments } from './src/launch-script.ts'
export { formatMountLaunch, type MountLaunch } from './src/mount-script.ts'
export {
  comparePlatforms,
  formatPlatform,
  type Platform,
  type PlatformPart,
  parsePlatform,
  platformFallbacks,
} from './src/platform.ts'
export {
  formatLock,
  type LockedPackage,
  type LockedPlatform,
  type LockedRelease,
  type LockRequest,
  type ProjectLock,
  parseLock,
} from './src/project/project-lock.ts'
export { formatTask, type Task } from './src/project/task.ts'
export {
  type ComposedRelease,
  composeRelease,
  type PlannedPackage,
  type ReleasePlan,
} from './src/release/compose-release.ts'
export {
  changeRelease,
  findRelease,
  listReleases,
  type Release,
  releaseRoots,
  releasesNamed,
} from './src/release/release-index.ts'
export { type LayoutLink, releaseLayout } from './src/release/release-layout.ts'
export {
  parseManifest,
  type ReleaseManifest,
  type ReleasePackage,
  readManifest,
} from './src/release/release-manifest.ts'
export {
  compareReleaseVersions,
  formatReleaseName,
  isReleaseWord,
  meansVersion,
  parseNewReleaseName,
  parseReleaseName,
  parseReleaseOperand,
  type ReleaseName,
} from './src/release/release-name.ts'
export { leftOut } from './src/release/write-release.ts'
export { prepareRootTable, type RootTable } from './src/root-table.ts'
export { quotePosix, type Shell, type ShellName, shellNamed, shellNames } from './src/shell.ts'
export { storePrefix } from './src/store-prefix.ts'
export { findProgram, listTiers, selectTier, type Tier, type TierChoice } from './src/tier.ts'
export { formatUndoableActivation } from './src/undo/undoable-activation.ts'
export { createView, keepView, listView, type ViewOptions, type ViewTree } from './src/view.ts'
export { formatWrapper, parseWrapperOwner, type WrapperOwner } from './src/wrapper-script.ts'
