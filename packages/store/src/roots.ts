/**
 * Permanent roots: symbolic links that keep paths alive.
 *
 * Links below `gcroots` and `profiles` count if they point into the store; `gcroots/auto/HASH` points to a link anywhere else
 * (an *indirect* root, `./result`), which counts for as long as it exists and points into the store itself.
 * Link texts hold logical paths, so that they mean the same inside a build, a namespace, and to Nix; but for those that
 * people are to follow on a host that has nothing there.
 */
import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { makeDirectories } from '@baryon/files'
import { encodeNix32, hashBytes, isSystemError, type StorePath, splitStorePath, UserError } from '@baryon/format'
import type { Store } from './store.ts'

export interface Root {
  readonly path: StorePath
  /** The link that keeps it alive; for a temporary root `temproots/PID`, for a process `/proc/PID/maps` and the like. */
  readonly source: string
  readonly kind: 'permanent' | 'indirect' | 'temporary' | 'process'
  /** Only for indirect roots: the link in `gcroots/auto`. */
  readonly via?: string
}

/**
 * Makes the link, and an indirect root for it unless it lies where roots are looked for anyway. With `reachable` the link
 * leads to the physical place when this host has nothing at the logical one, so that it can be followed.
 */
export function addPermanentRoot(
  store: Store,
  link: string,
  target: StorePath,
  { reachable = false }: { readonly reachable?: boolean } = {},
): void {
  if (!isAbsolute(link)) throw new UserError('ROOT_INVALID', `the root '${link}' is not an absolute path`)
  store.addTempRoot(target)
  store.pathInfo(target)
  if (!isRootOrAbsent(store, link)) {
    throw new UserError('ROOT_INVALID', `'${link}' exists and is not a link into the store`, {
      hint: 'remove it, or choose another name',
    })
  }
  const isPhysical = reachable && !existsSync(store.format(target))
  makeDirectories(dirname(link))
  replaceLink(link, isPhysical ? store.physicalPath(target) : store.format(target))
  if (isBelow(link, join(store.stateDirectory, 'gcroots')) || isBelow(link, join(store.stateDirectory, 'profiles')))
    return
  // After the link: a collector takes away indirect roots whose link is not there, and twins without such a root.
  const name = encodeNix32(hashBytes('sha1', Buffer.from(link)).bytes)
  makeDirectories(join(store.stateDirectory, 'gcroots/auto'))
  replaceLink(join(store.stateDirectory, 'gcroots/auto', name), link)
  // Nix does not take a link to a physical path for a root: the logical path is said once more for it.
  const twin = join(twinDirectory(store), name)
  if (isPhysical) {
    makeDirectories(twinDirectory(store))
    replaceLink(twin, store.format(target))
  } else {
    rmSync(twin, { force: true })
  }
}

/** Logical twins of the indirect roots whose links hold physical paths, by the same names as in `gcroots/auto`. */
function twinDirectory(store: Store): string {
  return join(store.stateDirectory, 'gcroots/physical')
}

/** All permanent roots that can be looked at. Their paths need not be valid. */
export function findRoots(store: Store): Root[] {
  return visitAll(store, () => {})
}

/**
 * All permanent roots, for who is about to delete the rest. Refuses with `ROOT_UNREADABLE` where a link cannot be looked at: the
 * home directory that it is in may want a token (AFS), and what it keeps is not known.
 */
export function requireRoots(store: Store): Root[] {
  return visitAll(store, (link, cause) => {
    throw new UserError('ROOT_UNREADABLE', `the root '${link}' cannot be looked at, so what it keeps is not known`, {
      hint: `get the right to look at where it leads, or remove it: ls -l '${link}'`,
      cause,
    })
  })
}

type OnUnreadable = (link: string, cause: unknown) => void

function visitAll(store: Store, onUnreadable: OnUnreadable): Root[] {
  const roots: Root[] = []
  visit(store, join(store.stateDirectory, 'gcroots'), roots, onUnreadable)
  visit(store, join(store.stateDirectory, 'profiles'), roots, onUnreadable)
  return roots
}

/** Removes links in `gcroots/auto` whose target is gone, and twins without their link. Gives the number of the former. */
export function removeStaleRoots(store: Store): number {
  const directory = join(store.stateDirectory, 'gcroots/auto')
  let removed = 0
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const link = join(directory, name)
    const target = linkText(link)
    if (target === undefined) continue
    if (removeUnless(link, () => mayExist(resolve(directory, target)))) removed++
  }
  const twins = existsSync(twinDirectory(store)) ? readdirSync(twinDirectory(store)) : []
  for (const name of twins) {
    removeUnless(join(twinDirectory(store), name), () => {
      const roots: Root[] = []
      let isReadable = true
      visit(store, join(directory, name), roots, () => (isReadable = false))
      return roots.length > 0 || !isReadable
    })
  }
  return removed
}

/**
 * Somebody may come to need a link while it is taken away, and has then seen that it is there: it is moved aside first, where it
 * counts as well, and back if that is so.
 */
function removeUnless(link: string, isNeeded: () => boolean): boolean {
  if (isNeeded()) return false
  const aside = `${link}.${process.pid}-stale`
  try {
    renameSync(link, aside)
    if (!isNeeded()) {
      rmSync(aside)
      return true
    }
    renameSync(aside, link)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
  }
  return false
}

/** The text of a link; undefined where none is, also when it has just gone: links come and go while others work. */
function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EINVAL')) return undefined
    throw error
  }
}

/** False only where it is known that nothing is. */
function mayExist(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'ENOTDIR', 'ELOOP')) throw error
    return !isSystemError(error, 'ENOTDIR')
  }
}

function visit(store: Store, path: string, roots: Root[], onUnreadable: OnUnreadable): void {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) {
      // What keeps these alive is the link that each is the twin of.
      if (path === twinDirectory(store)) return
      for (const name of readdirSync(path)) visit(store, join(path, name), roots, onUnreadable)
    } else if (stat?.isSymbolicLink()) {
      visitLink(store, path, roots)
    } else if (stat?.isFile()) {
      // Nix also takes a plain file named like a store path for a root.
      const named = inStore(store, join(store.storeDirectory, path.slice(path.lastIndexOf('/') + 1)))
      if (named !== undefined && store.isValid(named)) roots.push({ path: named, source: path, kind: 'permanent' })
    }
  } catch (error) {
    if (isSystemError(error, 'EACCES')) onUnreadable(path, error)
    // It may have vanished: Nix goes on as well.
    else if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error
  }
}

function visitLink(store: Store, path: string, roots: Root[]): void {
  const target = resolve(dirname(path), readlinkSync(path))
  const direct = inStore(store, target)
  if (direct !== undefined) {
    roots.push({ path: direct, source: path, kind: 'permanent' })
    return
  }
  if (!lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) return
  const indirect = inStore(store, resolve(dirname(target), readlinkSync(target)))
  if (indirect !== undefined) roots.push({ path: indirect, source: target, kind: 'indirect', via: path })
}

/** The store path of a logical or physical path in the store or below one of its paths. */
function inStore(store: Store, target: string): StorePath | undefined {
  const named = namedInStore(store, target)
  if (named !== undefined || !isSameDirectory(dirname(target), store.physicalDirectory)) return named
  // The store has another name here than in the link: below a home directory that is a link itself, say.
  return namedInStore(store, join(store.physicalDirectory, basename(target)))
}

function namedInStore(store: Store, path: string): StorePath | undefined {
  for (const directory of [store.storeDirectory, store.physicalDirectory]) {
    try {
      const split = splitStorePath(directory, path)
      if (split !== undefined) return split.path
    } catch (error) {
      // `/nix/store/.links` and the like are in the store but no paths of it.
      if (!(error instanceof UserError)) throw error
    }
  }
  return undefined
}

function isSameDirectory(a: string, b: string): boolean {
  try {
    const [first, second] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }))
    return first !== undefined && first.ino === second?.ino && first.dev === second.dev
  } catch (error) {
    if (!isSystemError(error, 'ENOTDIR', 'ELOOP')) throw error
    return false
  }
}

/** True for a link into the store, and where nothing is. */
function isRootOrAbsent(store: Store, link: string): boolean {
  const text = linkText(link)
  if (text === undefined) return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() !== false
  try {
    return inStore(store, resolve(dirname(link), text)) !== undefined
  } catch (error) {
    if (!isSystemError(error, 'EACCES')) throw error
    return false
  }
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`)
}

function replaceLink(link: string, target: string): void {
  while (linkText(link) !== target) {
    const aside = `${link}.${process.pid}-${Math.random().toString(36).slice(2)}-tmp`
    symlinkSync(target, aside)
    try {
      renameSync(aside, link)
      return
    } catch (error) {
      rmSync(aside, { force: true })
      // A collector may take it for a root that nobody has: it is made again.
      if (!isSystemError(error, 'ENOENT')) throw error
    }
  }
}
