/**
 * Generations of profiles, as `nix-env` and others leave them below the state directory:
 *
 *     profiles/default            -> default-3-link
 *     profiles/default-2-link     -> /nix/store/…-user-environment
 *     profiles/per-user/ada/…     the same for each user
 *
 * A generation is as old as its link. Every link is a root until it is removed.
 */
import {
  closeSync,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isSystemError } from '@baryon/format'
import { flockDescriptor } from './flock.ts'
import { isWritable } from './is-writable.ts'
import type { Store } from './store.ts'

export interface Generation {
  /** Full path of the profile's own link. */
  readonly profile: string
  readonly number: number
  /** Full path of this generation's link. */
  readonly link: string
  /** Milliseconds since 1970. */
  readonly created: number
  readonly isCurrent: boolean
}

/** All generations of all profiles, by profile, then by number. */
export function listGenerations(store: Store): Generation[] {
  return profilesBelow(join(store.stateDirectory, 'profiles')).flatMap(generationsOf)
}

/**
 * Removes, of each profile, the generations that were no longer in use at that time (milliseconds since 1970): those before
 * the youngest one that is older. The current one stays in any case, and so does everything in directories that we may not
 * write to. This is what `nix-collect-garbage --delete-older-than` does. Gives what was, or would be, removed.
 */
export function removeOldGenerations(
  store: Store,
  time: number,
  options: { readonly dryRun?: boolean } = {},
): Generation[] {
  return profilesBelow(join(store.stateDirectory, 'profiles'))
    .filter((profile) => isWritable(dirname(profile)))
    .flatMap((profile) => {
      if (options.dryRun === true) return unusedSince(profile, time)
      return withProfileLock(profile, () => {
        const old = unusedSince(profile, time)
        for (const { link } of old) rmSync(link, { force: true })
        return old
      })
    })
}

function unusedSince(profile: string, time: number): Generation[] {
  const older = generationsOf(profile).filter(({ created }) => created < time)
  return older.slice(0, -1).filter(({ isCurrent }) => !isCurrent)
}

function generationsOf(profile: string): Generation[] {
  const directory = dirname(profile)
  const prefix = `${basename(profile)}-`
  const current = readLink(profile)
  const generations: Generation[] = []
  for (const { name } of entries(directory)) {
    const digits = name.startsWith(prefix) ? /^(\d+)-link$/.exec(name.slice(prefix.length))?.[1] : undefined
    const link = join(directory, name)
    const stat = digits === undefined ? undefined : lstatSync(link, { throwIfNoEntry: false })
    if (stat === undefined) continue
    const isCurrent = current !== undefined && basename(current) === name
    generations.push({ profile, number: Number(digits), link, created: stat.mtimeMs, isCurrent })
  }
  return generations.sort((a, b) => a.number - b.number)
}

/** Links that lead to a generation. */
function profilesBelow(directory: string): string[] {
  return entries(directory).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return profilesBelow(path)
    const target = entry.isSymbolicLink() ? readLink(path) : undefined
    return target !== undefined && /-\d+-link$/.test(target) ? [path] : []
  })
}

/** Directories of other users may be unreadable, and anything may vanish. */
function entries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  }
}

/** Nix switches and deletes generations under this lock. A lock file that was written to is one that its holder removed. */
function withProfileLock<T>(profile: string, work: () => T): T {
  const file = `${profile}.lock`
  for (;;) {
    const fd = openSync(file, 'a', 0o600)
    try {
      flockDescriptor(fd, { wait: true })
      if (fstatSync(fd).size > 0) continue
      try {
        return work()
      } finally {
        rmSync(file, { force: true })
        writeSync(fd, 'd')
      }
    } finally {
      closeSync(fd)
    }
  }
}
