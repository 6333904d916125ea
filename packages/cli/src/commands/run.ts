import type { Launch } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { keepLaunchFile, takeLaunchPlace } from '../launch-file.ts'
import { openToLook } from '../open-to-look.ts'
import { UsageError } from '../parse-arguments.ts'
import { launch } from '../replace-process.ts'
import { launchOf, mainProgram, noProgramError, prepareEnvironment, type RunEnvironment } from '../run-environment.ts'
import { selectedPlatform } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  const place = takeLaunchPlace()
  const { assignments, name } = splitOperands(context.arguments.operands)
  const replayed = context.arguments.value('replay')
  if (replayed !== undefined) {
    if (context.arguments.operands.length > 0) throw new UsageError('--replay FILE says what runs: no other operands')
    return (await import('../provenance/replay-run.ts')).replayRun(context, replayed)
  }
  const record = context.arguments.value('record')
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
  if (record !== undefined) return recordTo(record, context, environment, plan, command)
  if (place !== undefined && program !== undefined) {
    const dependencies = environment.packages.map((one) => one.dependencies)
    keepLaunchFile(place, plan, dependencies, environment.settings.consulted)
  }
  return { status: launch(plan, command) }
}

async function recordTo(
  file: string,
  context: Context,
  environment: RunEnvironment,
  plan: Launch,
  command: readonly string[],
): Promise<Outcome> {
  const { requireRecordPlace, writeRecord } = await import('../provenance/write-record.ts')
  requireRecordPlace(file)
  const { recordRun } = await import('../provenance/record-run.ts')
  const [one] = environment.packages
  const store = openToLook({ storeDirectory: plan.storeDirectory, root: environment.settings.root })
  try {
    const run = {
      package: {
        attribute: one!.attribute,
        platform: selectedPlatform(context.arguments.value('platform')),
        derivation: one!.derivation.drvPath,
      },
      launch: plan,
      command: command.length > 0 ? command : plan.defaultCommand!,
      directory: process.cwd(),
      inputs: context.arguments.values('input'),
      outputs: context.arguments.values('output'),
      onTooMany: () =>
        context.terminal.err('note: too many files are here to see which are made: name the outputs with --output\n'),
    }
    const result = await recordRun(run, store)
    writeRecord(file, result)
    return { status: result.status }
  } finally {
    store.close()
  }
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
