import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { requireProject } from '../project/project-file.ts'

export async function run(context: Context): Promise<Outcome> {
  const project = requireProject(await context.settings({ needsStack: true }))
  const tasks = Object.entries(project.tasks).map(
    ([name, { command, dependsOn, directory, variables, description }]) => ({
      name,
      description,
      ...(command === undefined ? {} : { command }),
      dependsOn,
      directory,
      variables,
    }),
  )
  if (tasks.length === 0) context.terminal.err(`${project.source.file} has no tasks\n`)
  const rows = tasks.map(({ name, description, command, dependsOn }) => [
    name,
    description !== '' ? description : shown(command),
    dependsOn.length > 0 ? `after ${dependsOn.join(', ')}` : '',
  ])
  return { data: { file: project.source.file, tasks }, text: formatTable(rows) }
}

/** The first line. */
function shown(command: string | readonly string[] | undefined): string {
  const [line = '', ...more] = (typeof command === 'string' ? command : (command ?? []).join(' ')).trim().split('\n')
  return more.length > 0 ? `${line} …` : line
}
