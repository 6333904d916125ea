export {
  type ActivationKind,
  activationOf,
  applyActivation,
  type Change,
  formatActivation,
  type Prefix,
} from './src/activation.ts'
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
export { prepareRootTable, type RootTable } from './src/root-table.ts'
export { quotePosix, type Shell, type ShellName, shellNamed, shellNames } from './src/shell.ts'
export { findProgram, listTiers, selectTier, type Tier, type TierChoice } from './src/tier.ts'
export { createView, listView, type ViewOptions, type ViewTree } from './src/view.ts'
