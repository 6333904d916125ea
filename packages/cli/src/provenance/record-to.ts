import type { Launch } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { openToLook } from '../open-to-look.ts'
import { recordRun } from './record-run.ts'
import type { RunRecord } from './run-record.ts'
import { requireRecordPlace, writeRecord } from './write-record.ts'

/** Runs the command and writes what ran into the file; by the options `--input` and `--output`. */
export async function recordTo(
  file: string,
  context: Context,
  root: string,
  plan: Launch,
  command: readonly string[],
  of: RunRecord['package'],
): Promise<Outcome> {
  requireRecordPlace(file)
  const store = openToLook({ storeDirectory: plan.storeDirectory, root })
  try {
    const run = {
      package: of,
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
