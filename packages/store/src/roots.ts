/**
 * Permanent roots: symbolic links that keep paths alive.
 *
 * Links below `gcroots` and `profiles` count if they point into the store; `gcroots/auto/HASH` points to a link anywhere else
 * (an *indirect* root, `./result`), which counts for as long as it exists and points into the store itself.
 * Link texts hold logical paths, so that they mean the same inside a build, a namespace, and to Nix.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import {
  encodeNix32,
  hashBytes,
  isSystemError,
  type StorePath,
  splitStorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Store } from './store.ts'

export interface Root {
  readonly path: StorePath
  /** The link that keeps it alive; for a temporary root `temproots/PID`, for a process `/proc/PID/maps` and the like. */
  readonly source: string
  readonly kind: 'permanent' | 'indirect' | 'temporary' | 'process'
  /** Only for indirect roots: the link in `gcroots/auto`. */
  readonly via?: string
}

/** Makes the link, and an indirect root for it unless it lies where roots are looked for anyway. */
export function addPermanentRoot(store: Store, link: string, target: StorePath): void {
  if (!isAbsolute(link)) throw new UserError('ROOT_INVALID', `the root '${link}' is not an absolute path`)
  store.addTempRoot(target)
  store.pathInfo(target)
  const existing = lstatSync(link, { throwIfNoEntry: false })
  if (existing !== undefined && (!existing.isSymbolicLink() || !isLinkIntoStore(store, link))) {
    throw new UserError('ROOT_INVALID', `'${link}' exists and is not a link into the store`, {
      hint: 'remove it, or choose another name',
    })
  }
  mkdirSync(dirname(link), { recursive: true })
  replaceLink(link, store.format(target))
  if (isBelow(link, join(store.stateDirectory, 'gcroots')) || isBelow(link, join(store.stateDirectory, 'profiles')))
    return
  // After the link: a collector takes away indirect roots whose link is not there.
  const name = encodeNix32(hashBytes('sha1', Buffer.from(link)).bytes)
  mkdirSync(join(store.stateDirectory, 'gcroots/auto'), { recursive: true })
  replaceLink(join(store.stateDirectory, 'gcroots/auto', name), link)
}

/** All permanent roots. Their paths need not be valid. */
export function findRoots(store: Store): Root[] {
  const roots: Root[] = []
  visit(store, join(store.stateDirectory, 'gcroots'), roots)
  visit(store, join(store.stateDirectory, 'profiles'), roots)
  return roots
}

/** Removes links in `gcroots/auto` whose target is gone. Gives their number. */
export function removeStaleRoots(store: Store): number {
  const directory = join(store.stateDirectory, 'gcroots/auto')
  let removed = 0
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const link = join(directory, name)
    if (!lstatSync(link).isSymbolicLink()) continue
    if (lstatSync(resolve(directory, readlinkSync(link)), { throwIfNoEntry: false }) !== undefined) continue
    rmSync(link, { force: true })
    removed++
  }
  return removed
}

function visit(store: Store, path: string, roots: Root[]): void {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory()) {
      for (const name of readdirSync(path)) visit(store, join(path, name), roots)
    } else if (stat?.isSymbolicLink()) {
      visitLink(store, path, roots)
    } else if (stat?.isFile()) {
      // Nix also takes a plain file named like a store path for a root.
      const named = inStore(store, join(store.storeDirectory, path.slice(path.lastIndexOf('/') + 1)))
      if (named !== undefined && store.isValid(named)) roots.push({ path: named, source: path, kind: 'permanent' })
    }
  } catch (error) {
    // Roots of other users may be unreadable, and may vanish: Nix goes on as well.
    if (!isSystemError(error, 'EACCES', 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error
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
  for (const directory of [store.storeDirectory, store.physicalDirectory]) {
    try {
      const split = splitStorePath(directory, target)
      if (split !== undefined) return split.path
    } catch (error) {
      // `/nix/store/.links` and the like are in the store but no paths of it.
      if (!(error instanceof UserError)) throw error
    }
  }
  return undefined
}

function isLinkIntoStore(store: Store, link: string): boolean {
  return inStore(store, resolve(dirname(link), readlinkSync(link))) !== undefined
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`)
}

function replaceLink(link: string, target: string): void {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return
  const aside = `${link}.${process.pid}-${storePathBaseName({ digest: Math.random().toString(36).slice(2), name: 'tmp' })}`
  symlinkSync(target, aside)
  try {
    renameSync(aside, link)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  }
}
