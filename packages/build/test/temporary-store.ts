import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type StorePath, storePathBaseName } from '@baryon/format'
import { openStore, removeTree, type Store } from '@baryon/store'
import { type BuildEvent, type BuildReport, RealiseError, type RealiseOptions, realise } from '../index.ts'

/** A fresh store that exists until the tests of the file have ended, in a directory with an odd name. */
export function temporaryStore(storeDirectory = '/cvmfs/build.test/nix/store'): Store {
  const root = mkdtempSync(join(tmpdir(), 'baryon buïld-'))
  const store = openStore({ storeDirectory, root })
  after(() => {
    store.close()
    removeTree(root)
  })
  return store
}

/** Builds all outputs of these derivations. */
export async function build(
  store: Store,
  derivations: StorePath | readonly StorePath[],
  options: RealiseOptions = {},
): Promise<{ readonly report: BuildReport; readonly events: readonly BuildEvent[] }> {
  const events: BuildEvent[] = []
  const list = 'digest' in derivations ? [derivations] : derivations
  const targets = list.map((derivation) => ({ derivation, outputs: 'all' as const }))
  const report = await realise(store, targets, { ...options, onEvent: (event) => events.push(event) })
  return { report, events }
}

/** The errors of a build that must fail. */
export async function buildErrors(
  store: Store,
  derivations: StorePath | readonly StorePath[],
  options: RealiseOptions = {},
): Promise<RealiseError> {
  try {
    await build(store, derivations, options)
  } catch (error) {
    if (error instanceof RealiseError) return error
    throw error
  }
  throw new Error('the build did not fail')
}

/** Physical place of an output. */
export function outputPlace(store: Store, derivation: StorePath, output = 'out'): string {
  return store.physicalPath(store.parse(store.readDerivation(derivation).outputs.get(output)!.path))
}

export function logLines(events: readonly BuildEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'log' ? event.lines : []))
}

export function finishedTasks(events: readonly BuildEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'finished' ? [event.task.slice(33)] : []))
}

export function baseNames(paths: readonly StorePath[]): string[] {
  return paths.map((path) => storePathBaseName(path).slice(33))
}
