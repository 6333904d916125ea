import type { Context, Outcome } from '../command.ts'
import { UsageError } from '../parse-arguments.ts'
import { launch } from '../replace-process.ts'
import { launchOf, prepareEnvironment } from '../run-environment.ts'

export async function run(context: Context): Promise<Outcome> {
  const command = context.arguments.command ?? []
  if (command.length === 0) throw new UsageError('the command after -- is missing')
  const environment = await prepareEnvironment(context, context.arguments.operands, 'run')
  if (typeof environment === 'function') return { status: environment() }
  return { status: launch(launchOf(context, environment, { assignments: [], defaultCommand: undefined }), command) }
}
