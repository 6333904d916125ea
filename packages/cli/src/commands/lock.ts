import type { ProjectLock } from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatCount } from '../format-quantity.ts'
import { newLock, staleness, wantedPlatforms } from '../project/current-lock.ts'
import { changesText, type LockChange, lockChanges, requestChanges } from '../project/lock-difference.ts'
import { lockFile, readLock, writeLock } from '../project/lock-file.ts'
import { makeLock } from '../project/make-lock.ts'
import { type Project, requireProject } from '../project/project-file.ts'
import { refuseOtherStack } from '../project/project-of.ts'
import type { Settings } from '../settings.ts'
import { stackSettings } from '../stack-evaluation.ts'

export async function run(context: Context): Promise<Outcome> {
  refuseOtherStack(context)
  const settings = await stackSettings(context)
  const project = requireProject(settings)
  return context.arguments.flag('check')
    ? check(context, settings, project, readLock(project))
    : write(context, settings, project, usableLock(context, project))
}

/** One that cannot be read, as after a merge, is replaced. */
function usableLock(context: Context, project: Project): ProjectLock | undefined {
  try {
    return readLock(project)
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'LOCK_INVALID') throw error
    context.terminal.err(`note: ${error.message}\n`)
    return undefined
  }
}

async function write(
  context: Context,
  settings: Settings,
  project: Project,
  before: ProjectLock | undefined,
): Promise<Outcome> {
  const lock = await newLock(context, settings, project, before)
  const isChanged = writeLock(project, lock, before)
  const changes =
    before === undefined ? [] : [...requestChanges(before.request, lock.request), ...lockChanges(before, lock)]
  const file = lockFile(project)
  if (!isChanged) context.terminal.err(`${file} is as it was\n`)
  else if (before === undefined)
    context.terminal.err(`${file} is made, for ${formatCount(Object.keys(lock.platforms).length, 'platform')}\n`)
  return { data: { file, isChanged, changes, platforms: lock.platforms }, text: changesText(changes) }
}

async function check(
  context: Context,
  settings: Settings,
  project: Project,
  before: ProjectLock | undefined,
): Promise<Outcome> {
  const file = lockFile(project)
  if (before === undefined) {
    throw new UserError('LOCK_MISSING', `there is no ${file}`, { hint: 'write it: baryon lock' })
  }
  const asked = staleness(settings, project, before)
  const missing = wantedPlatforms(project, undefined, context.arguments.values('platform'))
    .filter((tag) => !Object.hasOwn(before.platforms, tag))
    .map((platform): LockChange => ({ kind: 'platform', text: `+ platform ${platform}` }))
  const changes = [...asked, ...missing, ...(await drift(context, settings, before))]
  if (changes.length > 0) context.terminal.err(`${file} is not what baryon lock would write now:\n`)
  return {
    data: { file, isCurrent: changes.length === 0, changes },
    text: changesText(changes),
    status: changes.length === 0 ? 0 : 1,
  }
}

/** What release and stack give now for what was asked for then. */
async function drift(context: Context, settings: Settings, before: ProjectLock): Promise<LockChange[]> {
  if (settings.storeDirectory !== before.storeDirectory) return []
  try {
    const now = await makeLock(context, settings, before.request, Object.keys(before.platforms))
    const changes = lockChanges(before, now)
    if (changes.length === 0 && before.stack !== now.stack) {
      context.terminal.err('note: files of the stack have changed, and give the same\n')
    }
    return changes
  } catch (error) {
    // A package or a release that is gone is a change like others.
    if (!(error instanceof UserError) || !goneCodes.has(error.code)) throw error
    const kind = error.code === 'PACKAGE_UNKNOWN' ? 'package' : 'release'
    return [{ kind, text: error.message }]
  }
}

const goneCodes: ReadonlySet<string> = new Set([
  'PACKAGE_UNKNOWN',
  'VERSION_UNKNOWN',
  'RELEASE_UNKNOWN',
  'PLATFORM_UNKNOWN',
])
