/** `baryon run --record` in a project: its environment becomes a path of the store, so that it can be had again by hash. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Change, type Launch, mapChange, type ReleaseManifest } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { recordTo } from '../provenance/record-to.ts'
import type { ProjectEnvironment } from './project-environment.ts'
import { lockedPaths } from './provide-locked.ts'

export async function recordProject(
  context: Context,
  file: string,
  environment: ProjectEnvironment,
  { leading = [], ...plan }: Launch,
  command: readonly string[],
): Promise<Outcome> {
  const { settings, locked, label } = environment
  const store = openStore({ storeDirectory: settings.storeDirectory, root: settings.root })
  let kept: Pick<Launch, 'paths' | 'changes'>
  try {
    if (environment.physicalDirectory !== store.physicalDirectory) {
      throw new UserError('RECORD_PROJECT', 'what runs is not in the store of this machine, so it cannot be recorded', {
        hint: 'copy it there first: baryon repository fetch',
      })
    }
    kept = addToStore(store, environment)
  } finally {
    store.close({ keepTempRoots: true })
  }
  const of = { attribute: label, platform: locked.tag, derivation: kept.paths[0]! }
  return recordTo(file, context, settings.root, { ...plan, ...kept }, [...leading, ...command], of)
}

/** The view, and beside it what a release has to say of its variables: see `changesOf` of run-environment.ts. */
function addToStore(store: Store, environment: ProjectEnvironment): Pick<Launch, 'paths' | 'changes'> {
  const { view, label, locked } = environment
  const references = lockedPaths(locked.platform).map((path) => store.parse(path))
  const scratch = mkdtempSync(join(tmpdir(), 'baryon-project-'))
  try {
    const kept =
      view === undefined
        ? undefined
        : store.addPath(`${label}-view`, realpathSync(view), { references: store.computeClosure(references) })
    const logical = kept === undefined ? '' : store.format(kept)
    const changes = environment.changes.map((change) => (view === undefined ? change : moved(change, view, logical)))
    const manifest: ReleaseManifest = {
      format: 1,
      name: label,
      version: 'project',
      platform: locked.tag,
      description: '',
      storeDirectory: store.storeDirectory,
      view: logical,
      packages: [],
      variables: {},
      tasks: {},
      changes,
      closure: [],
    }
    const directory = join(scratch, 'project')
    mkdirSync(directory)
    writeFileSync(join(directory, 'manifest.json'), `${JSON.stringify(manifest, undefined, 1)}\n`)
    const path = store.addPath(`${label}-project`, directory, {
      references: [...references, ...(kept === undefined ? [] : [kept])],
    })
    return { paths: [store.format(path)], changes }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function moved(change: Change, from: string, to: string): Change {
  return mapChange(change, (text) => text.replaceAll(from, to))
}
