import { applyActivation, formatReleaseName, type Launch, releaseRoots } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { resolveLocation } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { consultedOf, keepLaunchFile, takeLaunchPlace } from '../launch-file.ts'
import { UsageError } from '../parse-arguments.ts'
import { projectOf } from '../project/project-of.ts'
import type { RunRecord } from '../provenance/run-record.ts'
import { startingVariables } from '../pure.ts'
import { areasOf } from '../release-areas.ts'
import { localRelease, publishedRelease, type ReleaseEnvironment, watchedAreas } from '../release-environment.ts'
import { launch } from '../replace-process.ts'
import { launchOf, mainProgram, noProgramError, prepareEnvironment } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { selectedPlatform, stackSettings } from '../stack-evaluation.ts'

type Assignment = readonly [name: string, value: string]

interface Request {
  readonly assignments: readonly Assignment[]
  /** Of a release or a package, maybe with a version. */
  readonly name: string
  readonly place: ReturnType<typeof takeLaunchPlace>
}

export async function run(context: Context): Promise<Outcome> {
  const place = takeLaunchPlace()
  const { assignments, name } = splitOperands(context.arguments.operands)
  const replayed = context.arguments.value('replay')
  if (replayed !== undefined) {
    if (context.arguments.operands.length > 0) throw new UsageError('--replay FILE says what runs: no other operands')
    return (await import('../provenance/replay-run.ts')).replayRun(context, replayed)
  }
  const settings = await stackSettings(context)
  const lists = ['list', 'list-platforms'].filter((option) => context.arguments.flag(option))
  if (lists.length > 1) throw new UsageError('--list and --list-platforms exclude each other')
  const project = lists.length > 0 ? undefined : await projectOf(context, settings)
  if (project !== undefined) {
    const { runInProject } = await import('../project/run-project.ts')
    const outcome = await runInProject(context, settings, project, { assignments, name, place })
    if (outcome !== undefined) return outcome
  }
  if (name === undefined) throw new UsageError('the name of a release or package is missing')
  if (lists.length > 0) {
    const { listPlatforms, listVersions } = await import('../list-releases.ts')
    return lists[0] === 'list' ? listVersions(context, settings, name) : listPlatforms(context, settings, name)
  }
  const request = { assignments, name, place }
  const release = await localRelease(context, settings, name)
  return release === undefined ? runPackage(context, settings, request) : runRelease(context, release, request)
}

async function runRelease(context: Context, environment: ReleaseEnvironment, request: Request): Promise<Outcome> {
  const { program, platform } = environment
  const command = context.arguments.command ?? []
  const isBest = context.arguments.value('platform')?.toLowerCase() === 'best'
  if (isBest) context.terminal.err(`Decided best platform to use is ${platform}\n`)
  if (command.length === 0 && program === undefined) return printVariables(context, environment, request.assignments)
  const plan = launchOf(context, environment, {
    assignments: request.assignments,
    defaultCommand: program === undefined ? undefined : [program],
  })
  const { root } = environment.settings
  const [path] = environment.paths
  if (path === undefined && context.arguments.value('record') !== undefined) {
    throw new UsageError(`--record: ${environment.label} is in no store, so that nothing says what it is by hash`)
  }
  const of = { attribute: environment.label, platform, derivation: path ?? '' }
  const recorded = await recordIfAsked(context, root, plan, command, of)
  if (recorded !== undefined) return recorded
  // What is decided anew each time is said each time.
  if (request.place !== undefined && !isBest && environment.watched !== undefined) {
    keepLaunchFile(request.place, plan, [], consultedOf(environment.settings, environment.watched), true)
  }
  return { status: launch(plan, command) }
}

/** As lb-run does without a command: all variables, sorted. */
function printVariables(
  context: Context,
  { changes }: ReleaseEnvironment,
  assignments: readonly Assignment[],
): Outcome {
  const variables = { ...applyActivation(startingVariables(context), changes), ...Object.fromEntries(assignments) }
  const names = Object.keys(variables).sort()
  return { data: { variables }, text: names.map((name) => `${name}=${variables[name]}`).join('\n') }
}

async function runPackage(context: Context, settings: Settings, request: Request): Promise<Outcome> {
  const { assignments, name, place } = request
  let environment: Awaited<ReturnType<typeof prepareEnvironment>>
  try {
    environment = await prepareEnvironment(context, [name], 'run')
  } catch (error) {
    if (!(error instanceof UserError) || !unknownCodes.has(error.code)) throw error
    const release = await publishedRelease(context, settings, name)
    if (release === undefined) throw await withNames(context, settings, name, error)
    return typeof release === 'function' ? { status: release() } : runRelease(context, release, request)
  }
  if (typeof environment === 'function') return { status: environment() }
  const program = mainProgram(environment)
  const command = context.arguments.command ?? []
  if (command.length === 0 && program === undefined) throw noProgramError(environment)
  const plan = launchOf(context, environment, {
    assignments,
    defaultCommand: program === undefined ? undefined : [program],
  })
  const { root } = environment.settings
  const [one] = environment.packages
  const platform = selectedPlatform(context.arguments.value('platform'))
  const of = { attribute: one!.attribute, platform, derivation: one!.derivation.drvPath }
  const recorded = await recordIfAsked(context, root, plan, command, of)
  if (recorded !== undefined) return recorded
  if (place !== undefined && program !== undefined) {
    const dependencies = environment.packages.map((one) => one.dependencies)
    keepLaunchFile(
      place,
      plan,
      dependencies,
      consultedOf(environment.settings, releaseDirectories(context, settings, name)),
    )
  }
  return { status: launch(plan, command) }
}

/** With --record the command runs here; else the answer is undefined. */
async function recordIfAsked(
  context: Context,
  root: string,
  plan: Launch,
  command: readonly string[],
  of: RunRecord['package'],
): Promise<Outcome | undefined> {
  const file = context.arguments.value('record')
  if (file === undefined) return undefined
  const { recordTo } = await import('../provenance/record-to.ts')
  return recordTo(file, context, root, plan, command, of)
}

const unknownCodes: ReadonlySet<string> = new Set(['PACKAGE_UNKNOWN', 'VERSION_UNKNOWN'])

/** The error, with tasks and releases that may have been meant. */
async function withNames(context: Context, settings: Settings, name: string, error: UserError): Promise<UserError> {
  const [{ releasesLike }, { describedReleases }, project] = await Promise.all([
    import('../release-environment.ts'),
    import('../release-description.ts'),
    projectOf(context, settings),
  ])
  const near = await releasesLike(settings, name, areasOf(context))
  const described = (context.arguments.value('expr') === undefined ? describedReleases(settings) : []).find(
    (one) => formatReleaseName(one) === name || one.name === name,
  )
  const release =
    described !== undefined
      ? `the stack describes a release of this name: baryon release create ${formatReleaseName(described)}`
      : near.length > 0
        ? `did you mean the release ${near.join(' or ')}?`
        : undefined
  const inProject =
    project === undefined ? undefined : (await import('../project/run-project.ts')).hintInProject(project, name)
  const hint = [inProject, release, error.hint].filter((line) => line !== undefined).join('\n')
  return new UserError(error.code, error.message, { hint, cause: error })
}

/** A release that is made later takes the name of a package. */
function releaseDirectories(context: Context, { storeDirectory, root }: Settings, text: string): string[] {
  return [releaseRoots(resolveLocation({ storeDirectory, root })), ...watchedAreas(context, text.split('/')[0]!)]
}

/** `NAME=VALUE` words before the package set variables, as in lb-run. */
function splitOperands(operands: readonly string[]): {
  readonly assignments: readonly Assignment[]
  readonly name: string | undefined
} {
  const assignments: Assignment[] = []
  for (const operand of operands) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(operand)
    if (match === null) return { assignments, name: operand }
    assignments.push([match[1]!, match[2]!])
  }
  return { assignments, name: undefined }
}
