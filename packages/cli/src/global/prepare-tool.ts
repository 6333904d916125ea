/** From the name of a package or release to an environment that is there, and the programs that its user wants. */
import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Launch } from '@baryon/environment'
import { listDirectory } from '@baryon/files'
import { UserError } from '@baryon/format'
import { bestOfStack } from '../choose-release.ts'
import type { Context } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import {
  localRelease,
  platformWish,
  publishedRelease,
  type ReleaseEnvironment,
  releasesLike,
} from '../release-environment.ts'
import { launchOf, outputNames, prepareEnvironment, type RunEnvironment } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { selectedPlatform, stackSettings } from '../stack-evaluation.ts'
import { stackDefaults } from '../stack-packages.ts'
import { suggest } from '../suggestion.ts'
import { isToolName, type ToolProgram, type ToolRecord } from './tool-record.ts'

export interface ToolRequest {
  /** Of an update; else what is found first, a release. */
  readonly kind?: ToolRecord['kind']
  readonly request: string
  readonly with: readonly string[]
  readonly expose: readonly string[]
}

export type PreparedTool = Pick<
  ToolRecord,
  | 'name'
  | 'kind'
  | 'request'
  | 'with'
  | 'expose'
  | 'version'
  | 'platform'
  | 'derivation'
  | 'storeDirectory'
  | 'physicalDirectory'
  | 'paths'
  | 'programs'
> & {
  readonly launch: Launch
  /** A tag or `best`, for an update to ask for, so that no environment variable of another day decides it. */
  readonly askedPlatform: string | undefined
}

/** Finds it as `baryon run` does, and makes it be there. */
export async function prepareTool(context: Context, wanted: ToolRequest): Promise<PreparedTool> {
  const settings = await stackSettings(context)
  const release = wanted.kind === 'package' ? undefined : await localRelease(context, settings, wanted.request)
  if (release !== undefined) return ofRelease(context, release, wanted)
  if (wanted.kind === 'release') return lookElsewhere(context, settings, wanted, releaseGone(wanted))
  try {
    const environment = await prepareEnvironment(context, [wanted.request, ...wanted.with], 'run', { isCopied: true })
    return ofPackage(context, whole(environment), wanted, await platformOf(context, settings))
  } catch (error) {
    if (!(error instanceof UserError) || !['PACKAGE_UNKNOWN', 'VERSION_UNKNOWN'].includes(error.code)) throw error
    return lookElsewhere(context, settings, wanted, error)
  }
}

/** Where releases are published. Throws the error, with releases that may have been meant, when nothing is. */
async function lookElsewhere(
  context: Context,
  settings: Settings,
  wanted: ToolRequest,
  error: UserError,
): Promise<PreparedTool> {
  const published = await publishedRelease(context, settings, wanted.request, { isCopied: true })
  if (published !== undefined) return ofRelease(context, whole(published), wanted)
  const near = await releasesLike(settings, wanted.request, [])
  const hint = [near.length > 0 ? `did you mean the release ${near.join(' or ')}?` : undefined, error.hint]
  throw new UserError(error.code, error.message, {
    hint: hint.filter((line) => line !== undefined).join('\n'),
    cause: error,
  })
}

function releaseGone({ request }: ToolRequest): UserError {
  return new UserError('RELEASE_UNKNOWN', `the release '${request}' is not here any more`, {
    hint: 'baryon release list shows what there is; say who has it with --repository',
  })
}

interface ChosenPlatform {
  readonly asked: string | undefined
  readonly tag: string | undefined
}

async function platformOf(context: Context, settings: Settings): Promise<ChosenPlatform> {
  const said = selectedPlatform(context.arguments.value('platform')) ?? settings.platform
  const { platform, platforms } = await stackDefaults(context, settings)
  const asked = said ?? platform ?? undefined
  return { asked, tag: asked?.toLowerCase() === 'best' ? bestOfStack(platforms) : asked }
}

/** What is copied never runs in a mount. */
function whole<T extends object>(environment: T | (() => number)): T {
  if (typeof environment === 'function') throw new Error('a tool was to be run from a mount')
  return environment
}

function ofPackage(
  context: Context,
  environment: RunEnvironment,
  wanted: ToolRequest,
  { asked, tag }: ChosenPlatform,
): PreparedTool {
  const [first] = environment.packages
  const { attribute, derivation, version } = first!
  if (!isToolName(attribute)) {
    throw new UserError('GLOBAL_NAME', `'${attribute}' cannot be the name of a tool`, {
      hint: "use an attribute of letters, digits and _'+.-, which begins with a letter or digit",
    })
  }
  const directories = outputNames(first!, 'run').map((name) => `${derivation.outputs[name]}/bin`)
  const found = programsIn(environment, directories)
  const programs = wanted.expose.length > 0 ? chosen(found, wanted.expose, attribute) : usual(context, found, attribute)
  const [, askedVersion] = wanted.request.split('/')
  return {
    ...toolOf(context, environment, wanted, programs),
    request: askedVersion === undefined ? attribute : `${attribute}/${askedVersion}`,
    name: attribute,
    kind: 'package',
    version,
    platform: tag,
    askedPlatform: asked,
    derivation: derivation.drvPath,
  }
}

function ofRelease(context: Context, environment: ReleaseEnvironment, wanted: ToolRequest): PreparedTool {
  const { name, version, platform, program, view } = environment.manifest!
  if (wanted.with.length > 0) {
    throw new UsageError(`${name} is a release, which has its packages already: --with is for a package`, {
      hint: 'a project can add to a release: baryon init --release',
    })
  }
  const expose = wanted.expose.length > 0 ? wanted.expose : program === undefined ? [] : [program]
  const found = programsIn(environment, [`${view}/bin`])
  if (expose.length === 0) {
    throw new UserError('NO_PROGRAM', `${name}/${version} does not say which of its programs it is for`, {
      hint: `choose with --expose PROGRAM: it has ${shortList(found)}`,
    })
  }
  const programs = chosen(found, expose, `${name}/${version}`)
  const askedPlatform = platformWish(context, environment.settings).tag
  return { ...toolOf(context, environment, wanted, programs), name, kind: 'release', version, platform, askedPlatform }
}

function toolOf(
  context: Context,
  environment: RunEnvironment,
  { request, with: others, expose }: ToolRequest,
  programs: readonly ToolProgram[],
) {
  const { settings, physicalDirectory, paths } = environment
  return {
    request,
    with: others,
    expose,
    storeDirectory: settings.storeDirectory,
    physicalDirectory,
    paths,
    programs,
    launch: launchOf(context, environment, { assignments: [], defaultCommand: undefined }),
  }
}

/** What can be executed in directories of the store, the first of each name. */
function programsIn({ settings, physicalDirectory }: RunEnvironment, directories: readonly string[]): ToolProgram[] {
  const found = new Map<string, string>()
  for (const directory of directories) {
    const physical = join(physicalDirectory, directory.slice(settings.storeDirectory.length))
    for (const name of listDirectory(physical)) {
      if (!found.has(name) && isProgram(join(physical, name))) found.set(name, `${directory}/${name}`)
    }
  }
  return [...found].map(([name, path]) => ({ name, path }))
}

/** A link may lead to where only a namespace shows something. */
function isProgram(file: string): boolean {
  const status = statSync(file, { throwIfNoEntry: false })
  if (status === undefined) return lstatSync(file).isSymbolicLink()
  return status.isFile() && (status.mode & 0o111) !== 0
}

function chosen(found: readonly ToolProgram[], names: readonly string[], of: string): ToolProgram[] {
  return [...new Set(names)].map((name) => {
    const program = found.find((one) => one.name === name)
    if (program === undefined) {
      const known = found.map((one) => one.name)
      const near = suggest(name, known)
      throw new UserError('PROGRAM_UNKNOWN', `${of} has no program '${name}'`, {
        hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${shortList(found)}`,
      })
    }
    if (canBeTyped(name)) return program
    throw new UserError('PROGRAM_NAME', `${JSON.stringify(name)} of ${of} has characters that no command can have`, {
      hint: 'it can be run by its path only: baryon exec',
    })
  })
}

/** All but those that begin with a dot, which belong to the others, and those that nobody could type. */
function usual(context: Context, found: readonly ToolProgram[], of: string): ToolProgram[] {
  const shown = found.filter(({ name }) => !name.startsWith('.'))
  const left = shown.filter(({ name }) => !canBeTyped(name))
  for (const { name } of left) context.terminal.err(`note: ${of}: ${JSON.stringify(name)} is left out, for its name\n`)
  const programs = shown.filter((one) => !left.includes(one))
  if (programs.length > 0) return programs
  throw new UserError('NO_PROGRAM', `${of} has no programs`, {
    hint: `libraries are for a shell or a project: baryon shell ${of}, baryon add ${of}`,
  })
}

/** Names that are not UTF-8 were read with a replacement character. */
function canBeTyped(name: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}\ufffd]/u.test(name)
}

function shortList(programs: readonly ToolProgram[]): string {
  const names = programs.map(({ name }) => name)
  if (names.length === 0) return 'none'
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ')
}
