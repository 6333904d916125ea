/** The environment of a project: what is locked, put together by links and variables. Nothing of it is copied. */
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  activationOf,
  type Change,
  declaredChanges,
  environmentClosure,
  formatReleaseName,
  keepView,
  type LockedPlatform,
  type Prefix,
  type ReleaseManifest,
  readManifest,
  storePrefix,
} from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { isSystemError, storePathBaseName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context } from '../command.ts'
import { openToLook } from '../open-to-look.ts'
import type { RunMounted } from '../published-packages.ts'
import type { RunEnvironment } from '../run-environment.ts'
import type { Settings } from '../settings.ts'
import { lockFile } from './lock-file.ts'
import type { Project } from './project-file.ts'
import { type Locked, lockedPaths, provideLocked } from './provide-locked.ts'
import { conflictOf } from './view-conflict.ts'

export interface ProjectEnvironment extends RunEnvironment {
  readonly project: Project
  readonly locked: Locked
  /** Absolute; undefined when there are no packages. */
  readonly view: string | undefined
  /** Those of the project, with directories for the words in their variables. */
  readonly tasks: Project['tasks']
  /** Packages that the release has as well: `zlib 1.3 comes before zlib 1.2.13 of HEP/1.0`. */
  readonly hiding: readonly string[]
  /** Files and directories with which it would change. */
  readonly watched: readonly string[]
}

/** Makes everything be there. Throws as `provideLocked`, and `VIEW_CONFLICT` with what to write into `baryon.toml`. */
export async function projectEnvironment(
  context: Context,
  settings: Settings,
  project: Project,
  locked: Locked,
): Promise<ProjectEnvironment | RunMounted> {
  const store = openToLook({ storeDirectory: settings.storeDirectory, root: settings.root })
  try {
    const physicalDirectory = await provideLocked(context, settings, store, locked)
    if (typeof physicalDirectory === 'function') return physicalDirectory
    const place = placeOf(project, store)
    const view = join(place, locked.tag)
    const prefixes = prefixesOf(store, physicalDirectory, locked.platform)
    const { release } = locked.platform
    const manifest = release === undefined ? undefined : readManifest(join(physicalDirectory, basename(release.path)))
    if (prefixes.length > 0) makeView(store, physicalDirectory, view, prefixes, project, locked.platform)
    const expand = expansion({ '@project@': project.directory, '@view@': view, '@release@': manifest?.view ?? '' })
    return {
      settings,
      packages: [],
      changes: changesOf(project, manifest, view, prefixes, expand),
      physicalDirectory,
      paths: rootPaths(store, physicalDirectory, join(place, `${locked.tag}.root`), locked.platform),
      label: basename(project.directory).replace(/[^\w.+-]/g, '_'),
      project,
      locked,
      view: prefixes.length > 0 ? view : undefined,
      tasks: mapValues(project.tasks, (task) => ({ ...task, variables: mapValues(task.variables, expand) })),
      hiding: hidingOf(locked.platform, manifest),
      watched: [lockFile(project), ...(prefixes.length > 0 ? [view] : [])],
    }
  } finally {
    store.close({ keepTempRoots: true })
  }
}

/** `.baryon` in the project; for who cannot write there a directory beside the store. */
function placeOf({ directory }: Project, { ownDirectory }: Store): string {
  const own = join(directory, '.baryon')
  try {
    makeDirectories(own)
    if (!existsSync(join(own, '.gitignore'))) writeFileSync(join(own, '.gitignore'), '*\n')
    return own
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) throw error
    return join(ownDirectory, 'projects', createHash('sha256').update(directory).digest('hex').slice(0, 32))
  }
}

/** Of the packages and what they bring with them, without the release. */
function prefixesOf(store: Store, physicalDirectory: string, { packages }: LockedPlatform): Prefix[] {
  const prefixAt = (logical: string) => storePrefix(store, logical, physicalDirectory)
  const named = packages.flatMap(({ outputs }) => Object.values(outputs).map((path) => prefixAt(path)!))
  return environmentClosure(named, 'develop', prefixAt)
}

function makeView(
  store: Store,
  physicalDirectory: string,
  view: string,
  prefixes: readonly Prefix[],
  { priorities }: Project,
  { packages }: LockedPlatform,
): void {
  const chosen = new Map(
    packages.flatMap(({ attribute, outputs, priority }) =>
      Object.values(outputs).map((path) => [path, priorities[attribute] ?? priority ?? 5] as const),
    ),
  )
  // What is only propagated gives way to what was asked for.
  const trees = prefixes.map((prefix) => ({ ...prefix, priority: chosen.get(prefix.logical) ?? 10 }))
  const physicalOf = (logical: string) => storePrefixOf(store, logical, physicalDirectory) ?? logical
  try {
    // Whether a program is there is seen outside of the namespace, where links to directories lead nowhere.
    keepView(view, trees, { physicalOf, filled: ['bin', 'sbin'] })
  } catch (error) {
    throw error instanceof UserError && error.code === 'VIEW_CONFLICT' ? conflictOf(error, packages, trees) : error
  }
}

/** Where a path in the store can be read. */
function storePrefixOf(store: Store, logical: string, physicalDirectory: string): string | undefined {
  return logical.startsWith(`${store.storeDirectory}/`)
    ? physicalDirectory + logical.slice(store.storeDirectory.length)
    : undefined
}

function expansion(words: Readonly<Record<string, string>>): (text: string) => string {
  return (text) => text.replace(/@[a-z]+@/g, (word) => words[word] ?? word)
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

function hidingOf({ packages }: LockedPlatform, release: ReleaseManifest | undefined): string[] {
  return packages.flatMap(({ name, version }) => {
    const other = release?.packages.find((one) => one.name === name)
    if (other === undefined) return []
    return [`${name} ${version} comes before ${name} ${other.version} of ${formatReleaseName(release!)}`]
  })
}

/** The project before its release, and what it sets itself last. */
function changesOf(
  project: Project,
  release: ReleaseManifest | undefined,
  view: string,
  prefixes: readonly Prefix[],
  expand: (text: string) => string,
): Change[] {
  const found = activationOf(
    prefixes.map(({ physical }) => ({ logical: view, physical })),
    'develop',
  )
  const own: Change = { kind: 'set', variable: 'BARYON_PROJECT', value: project.directory }
  return [...(release?.changes ?? []), ...found, own, ...declaredChanges(project.variables, expand)]
}

/**
 * Few paths that stand for all of it. What is in our store is kept from the collector for as long as the project has its link:
 * a path that refers to everything is its root.
 */
function rootPaths(store: Store, physicalDirectory: string, link: string, platform: LockedPlatform): readonly string[] {
  const all = lockedPaths(platform)
  if (all.length === 0 || store.readOnly || physicalDirectory !== store.physicalDirectory) return all
  const references = all.map((path) => store.parse(path))
  const index = store.addText('baryon-project', all.map((path) => `${path}\n`).join(''), references)
  if (linkText(link)?.endsWith(storePathBaseName(index)) !== true) store.addPermanentRoot(link, index)
  return [store.format(index)]
}

function linkText(link: string): string | undefined {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined
}
