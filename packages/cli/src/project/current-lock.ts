/** The lock that a command of a project runs by: the one that is there while it is what `baryon.toml` asks for, else a new one. */
import { type ProjectLock, parsePlatform } from '@baryon/environment'
import { UserError } from '@baryon/format'
import { bestPlatform } from '../choose-release.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../settings.ts'
import { selectedPlatform } from '../stack-evaluation.ts'
import { changesText, type LockChange, lockChanges, requestChanges } from './lock-difference.ts'
import { readLock, requestOf, writeLock } from './lock-file.ts'
import { makeLock, NO_PLATFORM, platformToLock } from './make-lock.ts'
import type { Project } from './project-file.ts'
import type { Locked } from './provide-locked.ts'

/**
 * Evaluates nothing when the lock holds and has the platform. Else the lock is made anew and what changed is said; with
 * `isFixed` it is an error, `LOCK_STALE`.
 */
export async function currentLock(
  context: Context,
  settings: Settings,
  project: Project,
  { isFixed }: { readonly isFixed: boolean },
): Promise<Locked> {
  const request = requestOf(project)
  const before = readLock(project)
  const changes = before === undefined ? [] : staleness(settings, project, before)
  const tag = before === undefined || changes.length > 0 ? undefined : lockedTag(context, settings, before)
  if (before !== undefined && tag !== undefined) return { request, tag, platform: before.platforms[tag]! }
  if (isFixed) throw staleLock(before, changes)
  const wanted = await platformToLock(context, settings, project)
  const lock = await makeLock(context, settings, request, wantedPlatforms(project, before, [wanted]))
  keepLock(context, project, lock, before)
  return { request, tag: wanted, platform: lock.platforms[wanted]! }
}

/** A lock for the platforms that are wanted, at least one, whatever the former one is. */
export async function newLock(
  context: Context,
  settings: Settings,
  project: Project,
  before: ProjectLock | undefined,
): Promise<ProjectLock> {
  const known = wantedPlatforms(project, before, context.arguments.values('platform'))
  const platforms = known.length > 0 ? known : [await platformToLock(context, settings, project)]
  return makeLock(context, settings, requestOf(project), platforms)
}

/** In what the lock is not what the project asks for now. */
export function staleness(settings: Settings, project: Project, lock: ProjectLock): LockChange[] {
  const changes = requestChanges(lock.request, requestOf(project))
  if (lock.storeDirectory === settings.storeDirectory) return changes
  return [...changes, { kind: 'store', text: `store ${lock.storeDirectory} → ${settings.storeDirectory}` }]
}

/** Those that are asked for, those that the project always has, and those that are locked already. */
export function wantedPlatforms(
  { platforms }: Project,
  before: ProjectLock | undefined,
  asked: readonly string[],
): readonly string[] {
  return [...new Set([...asked, ...platforms, ...Object.keys(before?.platforms ?? {})])]
}

/** The locked platform that is meant: what is asked for, else the best that runs here. */
export function lockedTag(context: Context, settings: Settings, { platforms }: ProjectLock): string | undefined {
  const asked = (selectedPlatform(context.arguments.value('platform')) ?? settings.platform)?.toLowerCase()
  if (asked !== undefined && asked !== 'best') return Object.hasOwn(platforms, asked) ? asked : undefined
  const tags = Object.keys(platforms)
  if (asked === undefined && tags.includes(NO_PLATFORM)) return NO_PLATFORM
  const tagged = tags.filter((tag) => tag !== NO_PLATFORM).map((tag) => ({ tag, platform: parsePlatform(tag) }))
  const { tag } = bestPlatform(tagged)
  if (asked === 'best' && tag !== undefined) context.terminal.err(`Decided best platform to use is ${tag}\n`)
  return tag
}

/** A project that cannot be written works all the same. */
function keepLock(context: Context, project: Project, lock: ProjectLock, before: ProjectLock | undefined): void {
  try {
    if (!writeLock(project, lock, before)) return
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'PROJECT_READ_ONLY') throw error
    context.terminal.err(`note: ${error.message}; what is locked now is for this run alone\n`)
    return
  }
  const changes = before === undefined ? '' : changesText(lockChanges(before, lock))
  context.terminal.err(before === undefined ? 'baryon.lock is made\n' : `baryon.lock is made anew\n${changes}`)
}

function staleLock(before: ProjectLock | undefined, changes: readonly LockChange[]): UserError {
  const what =
    before === undefined
      ? 'there is no baryon.lock'
      : changes.length > 0
        ? `baryon.lock is not what baryon.toml asks for:\n${changesText(changes).trimEnd()}`
        : 'baryon.lock has nothing for the platform'
  return new UserError('LOCK_STALE', what, { hint: 'write it: baryon lock' })
}
