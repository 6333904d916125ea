import type { Context, Outcome } from '../command.ts'
import { keepLaunchFile, takeLaunchPlace } from '../launch-file.ts'
import { UsageError } from '../parse-arguments.ts'
import { launch } from '../replace-process.ts'
import { launchOf, mainProgram, noProgramError, prepareEnvironment } from '../run-environment.ts'

export async function run(context: Context): Promise<Outcome> {
  const place = takeLaunchPlace()
  const { assignments, name } = splitOperands(context.arguments.operands)
  if (name === undefined) throw new UsageError('the name of a package is missing')
  const environment = await prepareEnvironment(context, [name], 'run')
  if (typeof environment === 'function') return { status: environment() }
  const program = mainProgram(environment)
  const command = context.arguments.command ?? []
  if (command.length === 0 && program === undefined) throw noProgramError(environment)
  const plan = launchOf(context, environment, {
    assignments,
    defaultCommand: program === undefined ? undefined : [program],
  })
  if (place !== undefined && program !== undefined) {
    const dependencies = environment.packages.map((one) => one.dependencies)
    keepLaunchFile(place, plan, dependencies, environment.settings.consulted)
  }
  return { status: launch(plan, command) }
}

/** `NAME=VALUE` words before the package set variables, as in lb-run. */
function splitOperands(operands: readonly string[]): {
  readonly assignments: readonly (readonly [string, string])[]
  readonly name: string | undefined
} {
  const assignments: (readonly [string, string])[] = []
  for (const operand of operands) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(operand)
    if (match === null) return { assignments, name: operand }
    assignments.push([match[1]!, match[2]!])
  }
  return { assignments, name: undefined }
}
