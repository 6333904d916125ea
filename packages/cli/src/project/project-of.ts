import type { Context } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import type { Settings } from '../settings.ts'
import type { Project } from './project-file.ts'
import { projectKeys } from './project-keys.ts'

/** Options that say by themselves what is meant: the project of the directory has no part in it. */
const otherStack = ['file', 'expr', 'arg', 'argstr', 'include'] as const

/** The project of the current directory, if there is one and the command is about it. Throws as `findProject`. */
export async function projectOf({ arguments: given }: Context, settings: Settings): Promise<Project | undefined> {
  const table = settings.configuration?.table ?? {}
  if (!Object.keys(table).some((key) => projectKeys.has(key))) return undefined
  if (otherStack.some((option) => given.flag(option))) return undefined
  const { findProject } = await import('./project-file.ts')
  return findProject(settings)
}

/** For commands that change a project, which has one stack. */
export function refuseOtherStack({ arguments: given }: Context): void {
  const option = otherStack.find((one) => given.flag(one))
  if (option === undefined) return
  throw new UsageError(`--${option} says nothing here: the stack of a project is that of its baryon.toml`, {
    hint: 'write stack = "DIR" there',
  })
}
