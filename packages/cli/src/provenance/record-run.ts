/** Runs a command as `baryon run` does, and writes down what ran and what came of it. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { hostname, release } from 'node:os'
import { detectHost, type Launch } from '@baryon/environment'
import type { Store } from '@baryon/store'
import { exitStatus, launchWords } from '../replace-process.ts'
import { changedSince, fileOfStream, filesNamedIn, recordFiles, statesOf, takeSnapshot } from './observe-files.ts'
import { recordedClosure } from './recorded-closure.ts'
import type { RecordedFile, RunRecord } from './run-record.ts'

export interface ObservedRun {
  readonly package: RunRecord['package']
  readonly launch: Launch
  readonly command: readonly string[]
  /** Where it runs, and what its files are named from. */
  readonly directory: string
  /** Files and directories that nobody would see by themselves. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** A file to read from, instead of what this process has. */
  readonly standardInput?: string | undefined
  /** Told when what was made in the directory cannot be known. */
  readonly onTooMany: () => void
}

/**
 * Inputs are the files that the command line names and those given; outputs are what is new or changed in the directory and
 * among the inputs and the outputs given.
 */
export async function recordRun(run: ObservedRun, store: Store): Promise<RunRecord> {
  const { launch, command, directory } = run
  const host = detectHost()
  const closure = recordedClosure(store, launch)
  const named = [...filesNamedIn(command, directory), ...run.inputs]
  const watched = [...named, ...run.outputs]
  const standardInput = recordFile(run.standardInput ?? fileOfStream(0), directory)
  const inputs = recordFiles(named, directory)
  const [before, watchedBefore] = [takeSnapshot(directory), statesOf(watched, directory)]
  const started = new Date()
  const status = await spawnLaunch(launch, command, run.standardInput)
  const seconds = Math.round(Date.now() - started.getTime()) / 1000
  const after = takeSnapshot(directory)
  if (!before.isComplete || !after.isComplete) run.onTooMany()
  const standardOutput = recordFile(fileOfStream(1), directory)
  const made = before.isComplete && after.isComplete ? changedSince(before.states, after.states) : []
  const changed = changedSince(watchedBefore, statesOf(watched, directory))
  const outputs = recordFiles([...made, ...changed], directory).filter(({ path }) => path !== standardOutput?.path)
  return {
    version: 1,
    package: run.package,
    storeDirectory: launch.storeDirectory,
    environment: launch.paths,
    closure,
    assignments: launch.assignments,
    command,
    host: { name: hostname(), system: host.system, architecture: host.architecture, kernel: release() },
    started: started.toISOString(),
    seconds,
    status,
    inputs,
    outputs,
    standardInput,
    standardOutput,
  }
}

function recordFile(file: string | undefined, directory: string): RecordedFile | undefined {
  return file === undefined ? undefined : recordFiles([file], directory)[0]
}

async function spawnLaunch(launch: Launch, command: readonly string[], input: string | undefined): Promise<number> {
  const descriptor = input === undefined ? undefined : openSync(input, 'r')
  const child = spawn('/bin/sh', launchWords(launch, command), {
    stdio: [descriptor ?? 'inherit', 'inherit', 'inherit'],
  })
  if (descriptor !== undefined) closeSync(descriptor)
  // The terminal sends Ctrl-C to the command as well; it decides what that means, and the record is written in any case.
  const ignored = (['SIGINT', 'SIGQUIT'] as const).map((signal) => [signal, () => {}] as const)
  const passed = (['SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, () => void child.kill(signal)] as const)
  const handlers = [...ignored, ...passed]
  for (const [signal, handler] of handlers) process.on(signal, handler)
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => resolve(exitStatus(status, signal)))
    })
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
}
