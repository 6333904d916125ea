/** Packages of a stack, built and put together for a program to run in. */
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RealiseTarget } from '@baryon/build'
import {
  type ActivationKind,
  activationOf,
  type Change,
  environmentClosure,
  type Launch,
  prepareRootTable,
  type RootTable,
  readManifest,
  selectTier,
  storePrefix,
  type Tier,
  type TierChoice,
} from '@baryon/environment'
import type { FoundDerivation } from '@baryon/evaluation'
import { isSystemError, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context } from './command.ts'
import { openToLook } from './open-to-look.ts'
import { type ResolvedPackage, resolvePackage } from './package-resolution.ts'
import { UsageError } from './parse-arguments.ts'
import type { PublishedUse, RunMounted } from './published-packages.ts'
import { isPure, keptVariables } from './pure.ts'
import type { Settings } from './settings.ts'
import { selectedPlatform, stackSettings } from './stack-evaluation.ts'

export interface RunEnvironment {
  readonly settings: Settings
  readonly packages: readonly ResolvedPackage[]
  readonly changes: readonly Change[]
  readonly physicalDirectory: string
  /** Logical paths of the packages. */
  readonly paths: readonly string[]
  readonly label: string
}

/**
 * Evaluates, builds what is missing, and works out the variables. What is published needs no building; what is to be done
 * may then be to run the same in a mount, unless all is to be copied here: see `usePublished`.
 */
export async function prepareEnvironment(
  context: Context,
  names: readonly string[],
  kind: ActivationKind,
  how: PublishedUse = {},
): Promise<RunEnvironment | RunMounted> {
  const settings = await stackSettings(context)
  const platform = await platformFor(context, settings)
  const packages: ResolvedPackage[] = []
  for (const name of names) packages.push(await resolvePackage(context, settings, name, platform))
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    // Until the command runs, and is seen to use them. A path that is not known before the build gets its root by it.
    const known = packages.flatMap((one) =>
      outputNames(one, kind).flatMap((name) => one.derivation.outputs[name] ?? []),
    )
    store.addTempRoot(...known.map((path) => store.parse(path)))
    const wanted = packages.map((one) => ({ derivation: one.derivation, outputs: outputNames(one, kind) }))
    const missing = missingTargets(store, wanted)
    const outputs = wanted.flatMap((one) => one.outputs)
    const place = await provide(
      context,
      settings,
      store,
      known.length === outputs.length ? known : undefined,
      missing,
      how,
    )
    if (typeof place === 'function') return place
    const physicalDirectory = place
    const named = packages.flatMap((one) => outputsFor(one, kind))
    return {
      settings,
      packages,
      changes: changesOf(store, physicalDirectory, named, kind),
      physicalDirectory,
      paths: named,
      label: packages.map((one) => one.attribute).join(' '),
    }
  } finally {
    store.close({ keepTempRoots: true })
  }
}

/**
 * Makes what is missing be there, and gives the directory that has it all; or what is to be done instead. `paths` are all
 * that is wanted, undefined when they cannot be known before a build.
 */
export async function provide(
  context: Context,
  settings: Settings,
  store: Store,
  paths: readonly string[] | undefined,
  missing: readonly RealiseTarget[],
  how: PublishedUse = {},
): Promise<string | RunMounted> {
  if (missing.length === 0) return store.physicalDirectory
  const { areInPlace, usePublished } = await import('./published-packages.ts')
  if (paths !== undefined) {
    if (areInPlace(settings.storeDirectory, paths)) return settings.storeDirectory
    const use = await usePublished(context, settings, store, paths, how)
    if (typeof use === 'function') return use
    if (use === 'received') return store.physicalDirectory
  }
  await build(context, store, missing)
  return store.physicalDirectory
}

/** What the environment of these paths, or the one path of a release, sets; they must be there. */
export function changesOf(
  store: Store,
  physicalDirectory: string,
  paths: readonly string[],
  kind: ActivationKind,
): readonly Change[] {
  const prefixAt = (path: string) => storePrefix(store, path, physicalDirectory)
  const [only, ...others] = paths
  const release = others.length > 0 ? undefined : readManifest(prefixAt(only!)!.physical)
  if (release !== undefined) return release.changes
  return activationOf(
    environmentClosure(
      paths.map((path) => prefixAt(path)!),
      kind,
      prefixAt,
    ),
    kind,
  )
}

/** A tag, `best` among those of the stack, or nothing said. */
async function platformFor(context: Context, settings: Settings): Promise<string | undefined> {
  const asked = selectedPlatform(context.arguments.value('platform'))
  if (asked?.toLowerCase() !== 'best') return asked
  const { stackPlatforms } = await import('./stack-packages.ts')
  const { bestOfStack } = await import('./choose-release.ts')
  const tag = bestOfStack(await stackPlatforms(context, settings))
  context.terminal.err(`Decided best platform to use is ${tag}\n`)
  return tag
}

/** How to start a command in the environment. */
export function launchOf(
  context: Context,
  environment: RunEnvironment,
  more: Pick<Launch, 'assignments' | 'defaultCommand'>,
): Launch {
  const { settings, physicalDirectory, paths, changes } = environment
  const tier = tierFor(context, environment)
  return {
    storeDirectory: settings.storeDirectory,
    physicalDirectory,
    paths,
    changes,
    tier,
    rootTable: tier?.kind === 'unshare' ? rootTable(settings, physicalDirectory) : undefined,
    kept: isPure(context) ? keptVariables : undefined,
    ...more,
  }
}

/** The program that a package is for: what it says, else the only one that it has, else the one with its name. */
export function mainProgram(environment: RunEnvironment): string | undefined {
  const [first] = environment.packages
  return first?.mainProgram ?? likelyProgram(programsOf(environment), first?.attribute)
}

/** The only one, else the one with the name of the package. */
export function likelyProgram(programs: readonly string[], name: string | undefined): string | undefined {
  return programs.length === 1 ? programs[0] : programs.find((program) => program === name)
}

export function noProgramError(environment: RunEnvironment): UserError {
  const programs = programsOf(environment)
  const { attribute } = environment.packages[0]!
  return new UserError('NO_PROGRAM', `'${attribute}' does not say which of its programs to run`, {
    hint:
      programs.length > 0
        ? `say one: baryon run ${attribute} ${programs[0]}${programs.length > 1 ? ` (or ${programs.slice(1, 12).join(', ')})` : ''}`
        : `it has none; say a command: baryon run ${attribute} -- CMD`,
  })
}

/** Names of the programs that are in the paths themselves. */
export function programsOf({
  settings,
  physicalDirectory,
  paths,
}: Pick<RunEnvironment, 'settings' | 'physicalDirectory' | 'paths'>): string[] {
  return paths.flatMap((path) => {
    const directory = join(physicalDirectory, path.slice(settings.storeDirectory.length), 'bin')
    return existsSync(directory) ? readdirSync(directory).sort() : []
  })
}

/** Beside the launch files; where the root can only be read, in a directory of the user. */
function rootTable({ root, storeDirectory }: Settings, physicalDirectory: string): RootTable | undefined {
  try {
    return prepareRootTable(join(root, 'launch/roots'), storeDirectory, physicalDirectory)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT')) throw error
    const directory = join(tmpdir(), `baryon-roots-${process.getuid?.() ?? 0}`)
    return prepareRootTable(directory, storeDirectory, physicalDirectory)
  }
}

function tierFor(context: Context, { settings, physicalDirectory }: RunEnvironment): Tier | undefined {
  if (physicalDirectory === settings.storeDirectory) return undefined
  const word = context.arguments.value('sandbox') ?? process.env.BARYON_SANDBOX
  const choices: readonly TierChoice[] = ['auto', 'userns', 'proot', 'none']
  const choice = choices.find((one) => one === (word || 'auto'))
  if (choice === undefined) throw new UsageError(`--sandbox ${word}: must be one of ${choices.join(', ')}`)
  return choice === 'none' ? undefined : selectTier(choice)
}

/** Outputs of a derivation that are to be there. */
export interface WantedOutputs {
  readonly derivation: FoundDerivation
  readonly outputs: readonly string[]
}

/** What of it is not in the store, as `realise` wants it. */
export function missingTargets(store: Store, wanted: readonly WantedOutputs[]): RealiseTarget[] {
  return wanted.flatMap(({ derivation, outputs }) => {
    const missing = outputs.filter((name) => {
      const path = derivation.outputs[name]
      return path === undefined || !store.isValid(store.parse(path))
    })
    return missing.length === 0 ? [] : [{ derivation: store.parse(derivation.drvPath), outputs: missing }]
  })
}

export async function build(context: Context, store: Store, targets: readonly RealiseTarget[]): Promise<void> {
  if (targets.length === 0) return
  const { realiseWithProgress } = await import('./realise-with-progress.ts')
  await realiseWithProgress(context, store, targets)
}

function outputsFor(one: ResolvedPackage, kind: ActivationKind): string[] {
  return outputNames(one, kind).map((name) => one.derivation.outputs[name]!)
}

/** The output that was meant, and what belongs to it: programs to run, also headers and libraries to develop. */
export function outputNames({ derivation }: Pick<ResolvedPackage, 'derivation'>, kind: ActivationKind): string[] {
  const wanted = kind === 'run' ? ['bin'] : ['bin', 'dev', 'lib']
  const all = [derivation.outputName, ...wanted.filter((name) => name in derivation.outputs)]
  return [...new Set(all)]
}
