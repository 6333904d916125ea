/** `baryon run` and `baryon shell` in a project. */
import { formatTask, type Launch } from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { consultedOf, keepLaunchFile, type LaunchPlace } from '../launch-file.ts'
import { UsageError } from '../parse-arguments.ts'
import type { RunMounted } from '../published-packages.ts'
import { launch } from '../replace-process.ts'
import { launchOf, likelyProgram, programsOf } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { suggest } from '../suggestion.ts'
import { currentLock } from './current-lock.ts'
import { type ProjectEnvironment, projectEnvironment } from './project-environment.ts'
import type { Project } from './project-file.ts'

export interface ProjectRequest {
  readonly assignments: readonly (readonly [name: string, value: string])[]
  /** Undefined: `baryon run -- CMD`. */
  readonly name: string | undefined
  readonly place: LaunchPlace | undefined
}

/** Runs a task, a command, or a package of the project. Undefined: the name is none of the project's. */
export async function runInProject(
  context: Context,
  settings: Settings,
  project: Project,
  request: ProjectRequest,
): Promise<Outcome | undefined> {
  const { name, assignments, place } = request
  const given = context.arguments.command ?? []
  const isTask = name !== undefined && Object.hasOwn(project.tasks, name)
  const isPackage = name !== undefined && project.packages.some((one) => one.split('/')[0] === name)
  if (name === undefined && given.length === 0) throw nothingToRun(project)
  if (name !== undefined && !isTask && !isPackage) return undefined
  // Before anything is built: that the tasks go in a circle.
  if (isTask) formatTask(project.tasks, name, project.directory)

  const environment = await projectToRun(context, settings, project)
  if (typeof environment === 'function') return { status: environment() }
  const script = isTask ? formatTask(environment.tasks, name, project.directory) : undefined
  const program = isPackage && !isTask ? [programOf(environment, name)].flatMap((one) => one ?? []) : []
  if (script === undefined && given.length === 0 && program.length === 0) throw noProgram(name!)
  const plan: Launch = {
    ...launchOf(context, environment, { assignments, defaultCommand: program.length > 0 ? program : undefined }),
    ...(script === undefined ? {} : { leading: ['/bin/sh', '-c', script, name!] }),
  }
  const record = context.arguments.value('record')
  if (record !== undefined) {
    const { recordProject } = await import('./record-project.ts')
    return recordProject(context, record, environment, plan, given.length > 0 ? given : program)
  }
  if (place !== undefined && context.arguments.value('platform')?.toLowerCase() !== 'best') {
    keepLaunchFile(place, plan, [], consultedOf(settings, environment.watched), true)
  }
  return { status: launch(plan, given) }
}

export async function projectToRun(
  context: Context,
  settings: Settings,
  project: Project,
): Promise<ProjectEnvironment | RunMounted> {
  const locked = await currentLock(context, settings, project, { isFixed: context.arguments.flag('locked') })
  return projectEnvironment(context, settings, project, locked)
}

/** For a name that is nothing anywhere. */
export function hintInProject(project: Project, name: string): string {
  const near = suggest(name, Object.keys(project.tasks))
  if (near.length > 0) return `did you mean the task ${near.join(' or ')}?`
  return `a command in the environment of the project: baryon run -- ${name}`
}

function nothingToRun({ tasks }: Project): UsageError {
  const names = Object.keys(tasks)
  const hint = names.length > 0 ? `the tasks are ${names.join(', ')}` : 'a command: baryon run -- CMD'
  return new UsageError('the name of a task, release or package is missing', { hint })
}

/** What the package says, else its only program, else the one with its name. */
function programOf(environment: ProjectEnvironment, name: string): string | undefined {
  const { locked } = environment
  const found = locked.platform.packages.find(
    ({ attribute }, index) => attribute === name || locked.request.packages[index]?.split('/')[0] === name,
  )
  if (found === undefined || found.mainProgram !== undefined) return found?.mainProgram
  return likelyProgram(programsOf({ ...environment, paths: Object.values(found.outputs) }), name)
}

function noProgram(name: string): UserError {
  return new UserError('NO_PROGRAM', `'${name}' does not say which of its programs to run`, {
    hint: `say one: baryon run ${name} -- CMD`,
  })
}
