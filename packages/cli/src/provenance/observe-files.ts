/** Which files a command was given, and which it made or changed. */
import { fstatSync, lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { formatHash, isSystemError } from '@baryon/format'
import { hashPath } from '@baryon/store'
import type { RecordedFile } from './run-record.ts'

/** The state of the files of a directory tree, by path relative to it. */
export interface Snapshot {
  readonly states: ReadonlyMap<string, string>
  /** False: the tree has more than `MOST_ENTRIES`, and what is in it is not known. */
  readonly isComplete: boolean
}

/** More than this is a home directory rather than one to work in. */
export const MOST_ENTRIES = 50_000

export function takeSnapshot(directory: string): Snapshot {
  const states = new Map<string, string>()
  const pending = ['']
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    for (const name of namesIn(join(directory, below))) {
      const path = below === '' ? name : `${below}/${name}`
      const stat = lstatSync(join(directory, path), { throwIfNoEntry: false })
      if (stat === undefined) continue
      if (stat.isDirectory()) pending.push(path)
      else if (stat.isFile()) states.set(path, stateOf(stat))
      if (states.size + pending.length > MOST_ENTRIES) return { states: new Map(), isComplete: false }
    }
  }
  return { states, isComplete: true }
}

/** The state of files by path, of those that are there; a path may be relative to the directory. */
export function statesOf(paths: readonly string[], directory: string): ReadonlyMap<string, string> {
  const states = new Map<string, string>()
  for (const path of paths) {
    const stat = quietStat(resolve(directory, path))
    if (stat !== undefined) states.set(path, stateOf(stat))
  }
  return states
}

/** Paths of files that are new or changed, sorted. */
export function changedSince(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after]
    .filter(([path, state]) => before.get(path) !== state)
    .map(([path]) => path)
    .sort()
}

/** Words of a command line that name something that is there: `FILE`, `--option=FILE`. */
export function filesNamedIn(words: readonly string[], directory: string): string[] {
  const candidates = words.flatMap((word) => {
    const value = /^-{0,2}[\w-]+=(.+)$/s.exec(word)?.[1]
    return value === undefined ? [word] : [word, value]
  })
  return candidates.filter((word) => quietStat(resolve(directory, word))?.isFile() === true)
}

/** The file that a standard stream was redirected to or from. */
export function fileOfStream(descriptor: number): string | undefined {
  try {
    if (!fstatSync(descriptor).isFile()) return undefined
    const path = readlinkSync(`/proc/self/fd/${descriptor}`)
    return quietStat(path)?.isFile() === true ? path : undefined
  } catch (error) {
    if (isSystemError(error, 'EBADF', 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}

/** Hash and size of each, once, in the order of their paths; what is not there is left out. */
export function recordFiles(paths: readonly string[], directory: string): RecordedFile[] {
  const files = new Map<string, RecordedFile>()
  for (const path of paths) {
    const place = resolve(directory, path)
    const stat = quietStat(place)
    if (stat === undefined) continue
    const real = realpathSync(place)
    const { hash, size } = hashPath(real, 'sha256', { method: stat.isDirectory() ? 'recursive' : 'flat' })
    files.set(place, { path: shownFrom(directory, place), hash: formatHash(hash, 'sri'), size })
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Inside of the directory a path is relative to it, so that the same can be done in another one. */
function shownFrom(directory: string, path: string): string {
  const inside = relative(directory, path)
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside
}

/** Words may be anything: too long for a name, or below a file. */
function quietStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function stateOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino}.${size}.${mtimeMs}.${ctimeMs}`
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
