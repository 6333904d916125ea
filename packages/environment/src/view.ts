/**
 * One tree made of many: a directory of symbolic links into the trees that it merges.
 *
 * A directory that only one tree has becomes one link; one that several have is made and filled. Where two trees
 * hold the same file the smaller priority number wins; with equal priorities the files must be the same, else both
 * are named in the error. The view appears at once or not at all: NAME is a link to a finished directory beside it.
 * A Python in it becomes one of the view: see interpreters.ts.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import type { Prefix } from './activation.ts'
import {
  interpretersOf,
  type Program,
  type ProgramEntry,
  settleInterpreters,
  type TreeInterpreter,
} from './interpreters.ts'

export interface ViewTree extends Prefix {
  /** 0 wins over 10; 5 is what packages have that say nothing. */
  readonly priority?: number
}

export interface ViewOptions {
  /** Where a logical path outside the given trees can be read (links between trees); identity when missing. */
  readonly physicalOf?: (logical: string) => string
  /** Top directories that are left out; by default what is about one package only. */
  readonly leaveOut?: readonly string[]
  /** Top directories that are made and filled also where one link would do. */
  readonly filled?: readonly string[]
}

/** Makes the view at `destination`, replacing one that is there. Throws UserError `VIEW_CONFLICT` before it writes. */
export function createView(destination: string, trees: readonly ViewTree[], options: ViewOptions = {}): void {
  const former = placeView(destination, randomBytes(6).toString('hex'), planView(trees, options))
  if (former !== undefined) rmSync(former, { recursive: true, force: true })
}

/**
 * The same of trees that never change, as those of a store: where their view is already, nothing is done. Two processes that
 * make the same one get the same one. A view that is replaced may be in use, and goes when it has been out of date for a month.
 */
export function keepView(destination: string, trees: readonly ViewTree[], options: ViewOptions = {}): void {
  const description = JSON.stringify([
    1,
    trees.map(({ logical, priority }) => [logical, priority]),
    options.filled,
    options.leaveOut,
  ])
  const name = createHash('sha256').update(description).digest('hex').slice(0, 24)
  if (viewTarget(destination) === directoryName(destination, name) && existsSync(destination)) return
  const former = placeView(destination, name, planView(trees, options))
  if (former !== undefined) touch(former)
  removeOld(destination)
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch (error) {
    // Two that replace the same view.
    if (!isSystemError(error, 'ENOENT')) throw error
  }
}

/** Milliseconds. */
const KEPT = 30 * 24 * 3600_000

function removeOld(destination: string): void {
  const parent = dirname(destination)
  const current = viewTarget(destination)
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(directoryName(destination, '')) || name === current) continue
    const changed = lstatSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (changed < Date.now() - KEPT) rmSync(join(parent, name), { recursive: true, force: true })
  }
}

/** Gives the directory of the view that was replaced by another one. */
function placeView(destination: string, name: string, root: Merged): string | undefined {
  const parent = dirname(destination)
  makeDirectories(parent)
  const before = viewTarget(destination)
  const made = directoryName(destination, name)
  const aside = join(parent, `${made}.${randomBytes(4).toString('hex')}`)
  const link = `${aside}.link`
  try {
    writeDirectory(aside, root)
    renameUnlessThere(aside, join(parent, made))
    symlinkSync(made, link)
    renameSync(link, destination)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    rmSync(link, { force: true })
    throw error
  }
  return before === undefined || before === made ? undefined : join(parent, before)
}

function renameUnlessThere(aside: string, final: string): void {
  try {
    renameSync(aside, final)
  } catch (error) {
    // Somebody else has made the same.
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST')) throw error
    rmSync(aside, { recursive: true, force: true })
  }
}

function directoryName(destination: string, name: string): string {
  return `.${basename(destination)}-${name}`
}

/** Fills `directory`, which must not exist, with the view: nothing is replaced. Throws `VIEW_CONFLICT` before it writes. */
export function writeView(directory: string, trees: readonly ViewTree[], options: ViewOptions = {}): void {
  writeDirectory(directory, planView(trees, options))
}

/** What a view of the trees would hold: relative path of each link or file, and what it leads to or is made from, sorted. */
export function listView(trees: readonly ViewTree[], options: ViewOptions = {}): { path: string; target: string }[] {
  const result: { path: string; target: string }[] = []
  const walk = (node: Merged, path: string): void => {
    if (node.kind === 'leaf') result.push({ path, target: node.logical })
    else for (const [name, child] of [...node.entries].sort(byName)) walk(child, path === '' ? name : `${path}/${name}`)
  }
  walk(planView(trees, options), '')
  return result
}

type Merged =
  /** A link to the path of the tree unless `entry` says otherwise. */
  | (Program & { readonly kind: 'leaf'; readonly entry?: ProgramEntry })
  | { readonly kind: 'directory'; readonly entries: Map<string, Merged> }

interface Source {
  readonly logical: string
  readonly physical: string
  readonly priority: number
}

interface Conflict {
  readonly path: string
  readonly first: string
  readonly second: string
}

const packageOnly = ['nix-support', '.attrs.json', 'env-vars']

function planView(trees: readonly ViewTree[], options: ViewOptions): Merged {
  const leaveOut = new Set(options.leaveOut ?? packageOnly)
  const interpreters = trees.flatMap((tree) => interpretersOf(tree.physical).map((name) => ({ tree, name })))
  const filled = new Set([...(options.filled ?? []), ...(interpreters.length > 0 ? ['bin'] : [])])
  const physicalOf = options.physicalOf ?? ((path: string) => path)
  const conflicts: Conflict[] = []
  const sources = trees.map((tree) => ({ ...tree, priority: tree.priority ?? 5 }))
  const root = mergeDirectories(sources, '')
  if (conflicts.length > 0) throw conflictError(conflicts)
  if (interpreters.length > 0) settlePrograms(root, interpreters)
  return root

  /** Nearly all entries are in one directory alone: nothing is made or looked up for those but their link. */
  function mergeDirectories(directories: readonly Source[], path: string): Merged {
    const byName = new Map<string, Source | Source[]>()
    for (const directory of directories) {
      for (const name of readdirSync(directory.physical)) {
        const found = byName.get(name)
        if (found === undefined) byName.set(name, directory)
        else if (Array.isArray(found)) found.push(directory)
        else byName.set(name, [found, directory])
      }
    }
    if (path === '') for (const name of leaveOut) byName.delete(name)
    const entries = new Map<string, Merged>()
    for (const [name, found] of byName) {
      const below = path === '' ? name : `${path}/${name}`
      if (!Array.isArray(found) && !filled.has(below)) {
        entries.set(name, leaf(entryOf(found, name)))
        continue
      }
      const sources = Array.isArray(found) ? found : [found]
      entries.set(
        name,
        merge(
          sources.map((directory) => resolved(entryOf(directory, name))),
          below,
        ),
      )
    }
    return { kind: 'directory', entries }
  }

  function entryOf({ logical, physical, priority }: Source, name: string): Source {
    return { logical: `${logical}/${name}`, physical: `${physical}/${name}`, priority }
  }

  function merge(sources: readonly (Source & { directory: boolean })[], path: string): Merged {
    const ordered = [...sources].sort((a, b) => a.priority - b.priority)
    const best = ordered[0]!
    const isFilled = filled.has(path) && best.directory
    if (best.directory) {
      const files = ordered.filter((source) => !source.directory && source.priority === best.priority)
      for (const file of files) conflicts.push({ path, first: best.logical, second: file.logical })
      const directories = ordered.filter((source) => source.directory)
      if (directories.length === 1 && !isFilled) return leaf(best)
      return mergeDirectories(directories, path)
    }
    for (const other of ordered.slice(1)) {
      if (other.priority > best.priority) break
      if (other.directory || !sameFile(best.physical, other.physical)) {
        conflicts.push({ path, first: best.logical, second: other.logical })
      }
    }
    return leaf(best)
  }

  /** Follows links to directories, so that `lib64 -> lib` of one tree merges with the `lib64` of another. */
  function resolved(source: Source): Source & { directory: boolean } {
    let physical = source.physical
    for (let hops = 0; hops < 40; hops++) {
      const status = lstatSync(physical, { throwIfNoEntry: false })
      if (!status?.isSymbolicLink()) return { ...source, physical, directory: status?.isDirectory() ?? false }
      const target = readlinkSync(physical)
      physical = target.startsWith('/') ? physicalOf(target) : join(dirname(physical), target)
    }
    return { ...source, directory: false }
  }
}

function leaf({ logical, physical }: Source): Merged {
  return { kind: 'leaf', logical, physical }
}

function settlePrograms(root: Merged, interpreters: readonly TreeInterpreter[]): void {
  const bin = root.kind === 'directory' ? root.entries.get('bin') : undefined
  if (bin?.kind !== 'directory') return
  const programs = new Map<string, Program>()
  for (const [name, node] of bin.entries) if (node.kind === 'leaf') programs.set(name, node)
  for (const [name, entry] of settleInterpreters(programs, interpreters))
    bin.entries.set(name, { kind: 'leaf', ...programs.get(name)!, entry })
}

function sameFile(a: string, b: string): boolean {
  if (a === b) return true
  const [first, second] = [a, b].map((file) => statSync(file, { throwIfNoEntry: false }))
  if (!first?.isFile() || !second?.isFile()) {
    // Two dangling links are the same when they say the same.
    return first === undefined && second === undefined && linkText(a) === linkText(b)
  }
  if (first.ino === second.ino && first.dev === second.dev) return true
  return first.size === second.size && digest(a) === digest(b)
}

function linkText(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function conflictError(conflicts: readonly Conflict[]): UserError {
  const shown = conflicts.slice(0, 10).map((one) => `  ${one.path}\n    ${one.first}\n    ${one.second}`)
  if (conflicts.length > shown.length) shown.push(`  … and ${conflicts.length - shown.length} more`)
  const count = conflicts.length === 1 ? 'one path' : `${conflicts.length} paths`
  return new UserError('VIEW_CONFLICT', `two packages hold different files at ${count}:\n${shown.join('\n')}`, {
    hint: 'give one of them a smaller priority number (meta.priority), or leave it out of the view',
  })
}

function writeDirectory(directory: string, node: Merged): void {
  if (node.kind !== 'directory') throw new Error('the root of a view is a directory')
  mkdirSync(directory)
  for (const [name, child] of node.entries) {
    const path = `${directory}/${name}`
    if (child.kind === 'directory') writeDirectory(path, child)
    else if (child.entry?.kind === 'copy') copyFileSync(child.entry.of, path)
    else if (child.entry?.kind === 'script') writeFileSync(path, child.entry.text, { mode: 0o755 })
    else symlinkSync(child.entry?.target ?? child.logical, path)
  }
}

/** The directory behind an existing view. Anything else at that place is not ours to replace. */
function viewTarget(destination: string): string | undefined {
  try {
    const target = readlinkSync(destination)
    if (target.startsWith(`.${basename(destination)}-`) && !target.includes('/')) return target
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    if (!isSystemError(error, 'EINVAL')) throw error
  }
  throw new UserError('VIEW_EXISTS', `'${destination}' exists and is not a view`, {
    hint: 'choose another place, or remove it first',
  })
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}
