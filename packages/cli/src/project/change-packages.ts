/** `baryon add` and `baryon remove`: baryon.toml and baryon.lock, changed together or not at all. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { ProjectLock } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { openStore } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { parseToml, type TomlFile } from '../read-toml.ts'
import type { Settings } from '../settings.ts'
import { stackSettings } from '../stack-evaluation.ts'
import { lockedTag, newLock } from './current-lock.ts'
import { addToList, removeFromList } from './edit-list.ts'
import { changesText, lockChanges } from './lock-difference.ts'
import { lockFile, readLock, writeLock, writeProjectFile } from './lock-file.ts'
import { projectEnvironment } from './project-environment.ts'
import { type Project, parseProject, requireProject } from './project-file.ts'
import { refuseOtherStack } from './project-of.ts'

export interface PackageChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** `change` says what is to be done to the project as it is now; it may be asked again when somebody else was quicker. */
export async function changePackages(
  context: Context,
  change: (settings: Settings, project: Project) => Promise<PackageChange> | PackageChange,
): Promise<Outcome> {
  refuseOtherStack(context)
  for (let attempt = 1; ; attempt++) {
    const settings = await stackSettings(context)
    const before = requireProject(settings)
    const { added, removed } = await change(settings, before)
    const after = await edited(before, added, removed)
    const former = readLock(before)
    const lock = await newLock(context, settings, after, former)
    if (!context.arguments.flag('no-build')) await prepare(context, settings, after, lock)
    if (!keep(settings, before, after, lock)) {
      if (attempt < 10) continue
      throw new UserError('PROJECT_BUSY', `${before.source.file} is changed all the time`, { hint: 'try again' })
    }
    const changes = lockChanges(former ?? emptied(lock), lock)
    const text = changesText(changes)
    if (changes.length === 0) context.terminal.err(`${after.source.file} is as it was\n`)
    return { data: { file: after.source.file, lock: lockFile(after), added, removed, changes }, text }
  }
}

/** Throws `CONFIGURATION_EDIT` when the change cannot be made by a careful edit, which is then left to a person. */
async function edited(project: Project, added: readonly string[], removed: readonly string[]): Promise<Project> {
  const { file, text, table } = project.source
  const changed = addToList(removeFromList(text, 'packages', removed), 'packages', added)
  const source: TomlFile = { file, text: changed, table: await parseToml(changed, file, 'CONFIGURATION') }
  const packages = [...project.packages.filter((one) => !removed.includes(one)), ...added]
  const expected = changed === text ? table : { ...table, packages }
  if (!isDeepStrictEqual(plain(source.table), plain(expected))) {
    throw new UserError('CONFIGURATION_EDIT', `${file} cannot be changed without care`, {
      hint: `write it by hand: packages = ${JSON.stringify(packages)}`,
    })
  }
  return parseProject(source)
}

/** Of the platform that runs here, so that conflicts and failures of builds show before anything is written. */
async function prepare(context: Context, settings: Settings, project: Project, lock: ProjectLock): Promise<void> {
  const tag = lockedTag(context, settings, lock)
  if (tag === undefined) return
  const locked = { request: lock.request, tag, platform: lock.platforms[tag]! }
  const environment = await projectEnvironment(context, settings, project, locked)
  if (typeof environment === 'function') return
  for (const one of environment.hiding) context.terminal.err(`note: ${one}\n`)
}

/** False when the file was changed by somebody else since it was read. */
function keep(settings: Settings, before: Project, after: Project, lock: ProjectLock): boolean {
  const store = openStore({ storeDirectory: settings.storeDirectory, root: settings.root })
  const name = `project-${createHash('sha256').update(before.directory).digest('hex').slice(0, 32)}`
  try {
    const held = store.locks.lock(name, 60_000)
    try {
      const { file, text } = before.source
      if (readFileSync(file, 'utf8') !== text) return false
      if (after.source.text !== text) writeProjectFile(file, after.source.text)
      writeLock(after, lock, readLock(after))
      return true
    } finally {
      held.release()
    }
  } finally {
    store.close()
  }
}

function emptied(lock: ProjectLock): ProjectLock {
  return { ...lock, platforms: Object.fromEntries(Object.keys(lock.platforms).map((tag) => [tag, { packages: [] }])) }
}

/** Without the prototypes that the parser leaves out. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
