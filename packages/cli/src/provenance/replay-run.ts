/** Runs again what a record says, from its hashes alone, and compares. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isSystemError, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { openToLook } from '../open-to-look.ts'
import { changesOf, launchOf, provide } from '../run-environment.ts'
import { recordFiles } from './observe-files.ts'
import { recordRun } from './record-run.ts'
import { recordedClosure } from './recorded-closure.ts'
import { parseRunRecord, type RecordedFile, type RunRecord } from './run-record.ts'
import { requireRecordPlace, writeRecord } from './write-record.ts'

/** Throws `REPLAY_INPUT` before anything runs, and `REPLAY_DIFFERENT` when status or outputs are not those of the record. */
export async function replayRun(context: Context, file: string): Promise<Outcome> {
  const directory = process.cwd()
  const newRecord = context.arguments.value('record')
  if (newRecord !== undefined) requireRecordPlace(newRecord)
  const record = parseRunRecord(readRecord(file), file)
  requireInputs(record, directory)
  const settings = await context.settings({ storePath: record.environment[0] })
  const store = openToLook({ storeDirectory: record.storeDirectory, root: settings.root })
  try {
    store.addTempRoot(...record.environment.map((path) => store.parse(path)))
    const physicalDirectory = await provide(context, settings, store, record.environment, missingOf(store, record))
    if (typeof physicalDirectory === 'function') return { status: physicalDirectory() }
    requireClosure(store, physicalDirectory, record)
    const { attribute } = record.package
    const changes = changesOf(store, physicalDirectory, record.environment, 'run')
    const environment = {
      settings,
      packages: [],
      changes,
      physicalDirectory,
      paths: record.environment,
      label: attribute,
    }
    const launch = launchOf(context, environment, { assignments: record.assignments, defaultCommand: undefined })
    const now = await recordRun(
      {
        package: record.package,
        launch,
        command: record.command,
        directory,
        inputs: record.inputs.map(({ path }) => path),
        outputs: record.outputs.map(({ path }) => path),
        standardInput: record.standardInput && resolve(directory, record.standardInput.path),
        onTooMany: () => {},
      },
      store,
    )
    if (newRecord !== undefined) writeRecord(newRecord, now)
    return compare(context, record, now)
  } finally {
    store.close({ keepTempRoots: true })
  }
}

function readRecord(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error
    throw new UserError('RUN_RECORD_MISSING', `cannot read the record '${file}'`, { cause: error })
  }
}

function requireInputs({ inputs, standardInput }: RunRecord, directory: string): void {
  const recorded = standardInput === undefined ? inputs : [...inputs, standardInput]
  const paths = recorded.map(({ path }) => path)
  const wrong = differences(recorded, recordFiles(paths, directory))
  if (wrong.length === 0) return
  throw new UserError('REPLAY_INPUT', `inputs are not those of the record:\n${wrong.join('\n')}`, {
    hint: 'run where the files of then are: relative names start at the current directory',
  })
}

/** From substituters by path; where the derivation is still there, it can be built as well. */
function missingOf(store: Store, { environment, package: { derivation } }: RunRecord) {
  const missing = environment.map((path) => store.parse(path)).filter((path) => !store.isValid(path))
  if (missing.length === 0) return []
  const drv = store.parse(derivation)
  return store.isValid(drv) ? [{ derivation: drv, outputs: 'all' as const }] : missing.map((path) => ({ path }))
}

function requireClosure(store: Store, physicalDirectory: string, record: RunRecord): void {
  const now = recordedClosure(store, { paths: record.environment, physicalDirectory })
  const wrong = differences(record.closure, now)
  if (wrong.length === 0) return
  throw new UserError('REPLAY_CLOSURE', `the software is not that of the record:\n${wrong.join('\n')}`, {
    hint: 'take it from where the recorded run had it: --substituter or --repository',
  })
}

function differences(recorded: readonly RecordedFile[], now: readonly RecordedFile[]): string[] {
  const known = new Map(now.map(({ path, hash }) => [path, hash]))
  return recorded.flatMap(({ path, hash }) => {
    const found = known.get(path)
    return found === hash
      ? []
      : [`  ${path}: recorded ${hash}, ${found === undefined ? 'not there now' : `now ${found}`}`]
  })
}

function compare(context: Context, record: RunRecord, now: RunRecord): Outcome {
  const wrong = differences(record.outputs, now.outputs)
  const [before, after] = [record.standardOutput, now.standardOutput]
  if (before !== undefined && after !== undefined && before.hash !== after.hash)
    wrong.push(`  standard output: recorded ${before.hash}, now ${after.hash}`)
  if (now.status !== record.status) wrong.unshift(`  exit status: recorded ${record.status}, now ${now.status}`)
  if (wrong.length > 0) {
    throw new UserError('REPLAY_DIFFERENT', `the run does not give what was recorded:\n${wrong.join('\n')}`, {
      hint: 'what depends on time, host name or number of cores differs each time',
    })
  }
  const count = formatCount(record.outputs.length, 'output')
  const unseen = before !== undefined && after === undefined ? ' (standard output goes to no file: not compared)' : ''
  context.terminal.err(`replayed: status ${now.status} and ${count} as recorded${unseen}\n`)
  return { status: now.status }
}
