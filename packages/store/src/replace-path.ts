/**
 * Puts sound contents in the place of a valid path that is missing or damaged. Its row in the database is not touched.
 *
 * The new tree is whole, canonical and synced under a temporary name before the old one moves. A file or link is replaced
 * by one rename. A directory takes two, and a process that dies between them leaves the path missing, with the new tree
 * beside it: a note in `var/baryon/replacements/BASENAME` holds the new tree's name, and whoever opens the store next
 * finishes the work.
 */
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { makeDirectories } from '@baryon/files'
import {
  formatHash,
  type Hash,
  hashesEqual,
  parseBaseName,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import { syncDirectory, writeFileAtomically } from './atomic-file.ts'
import { canonicaliseTree } from './canonicalise-tree.ts'
import { readOnlyError } from './database.ts'
import { hashPath } from './nar-tree.ts'
import { syncTree, temporaryName, withTemporary } from './placement.ts'
import { removeTree } from './remove-tree.ts'
import type { Store } from './store.ts'

/**
 * Moves the tree at `location` (same file system; it is gone afterwards) into the place of the path, whose lock the
 * caller holds. Throws `REPLACEMENT_MISMATCH`, and replaces nothing, when its NAR hash is not the one registered.
 */
export function replacePath(store: Store, path: StorePath, location: string): void {
  if (store.readOnly) throw readOnlyError(store.physicalDirectory)
  store.addTempRoot(path)
  const { narHash } = store.pathInfo(path)
  const name = temporaryName('tmp')
  store.addTempRoot({ digest: name.slice(0, 32), name: name.slice(33) })
  const aside = `${store.physicalDirectory}/${name}`
  withTemporary(aside, () => {
    moveBeside(location, aside)
    canonicaliseTree(aside)
    requireHash(store, path, narHash, hashPath(aside).hash)
    syncTree(aside)
    const old = store.database.transaction(() => swap(store, path, narHash, name))
    if (old !== undefined) removeTree(old)
  })
}

/** Finishes what died between two renames. Cheap when there is nothing to do. */
export function finishReplacements(store: Store): void {
  const directory = noteDirectory(store)
  if (!existsSync(directory)) return
  for (const base of readdirSync(directory)) {
    // Notes that are still being written have names of their own.
    if (base.endsWith('.tmp')) continue
    const path = parseBaseName(base)
    const lock = store.tryLockPaths([path])
    // Somebody is at it.
    if (lock === undefined) continue
    try {
      store.database.transaction(() => finish(store, path, `${directory}/${base}`))
    } finally {
      lock.release()
    }
  }
}

function swap(store: Store, path: StorePath, narHash: Hash, aside: string): string | undefined {
  const now = store.queryPathInfo(path)
  if (now === undefined || !hashesEqual(now.narHash, narHash)) {
    throw new UserError('PATH_INVALID', `'${store.format(path)}' was removed while it was being repaired`)
  }
  const final = store.physicalPath(path)
  const source = `${store.physicalDirectory}/${aside}`
  const isDirectory = (file: string) => lstatSync(file, { throwIfNoEntry: false })?.isDirectory()
  if (isDirectory(final) === undefined || (isDirectory(final) === false && isDirectory(source) === false)) {
    renameSync(source, final)
    syncDirectory(store.physicalDirectory)
    return undefined
  }
  const note = `${noteDirectory(store)}/${storePathBaseName(path)}`
  makeDirectories(noteDirectory(store))
  writeFileAtomically(note, aside)
  const old = `${store.physicalDirectory}/${temporaryName('trash')}`
  renameSync(final, old)
  try {
    renameSync(source, final)
  } catch (error) {
    renameSync(old, final)
    throw error
  }
  syncDirectory(store.physicalDirectory)
  rmSync(note)
  return old
}

function finish(store: Store, path: StorePath, note: string): void {
  const aside = `${store.physicalDirectory}/${readFileSync(note, 'latin1')}`
  const final = store.physicalPath(path)
  const isThere = (file: string) => lstatSync(file, { throwIfNoEntry: false }) !== undefined
  if (store.isValid(path) && !isThere(final) && isThere(aside)) {
    renameSync(aside, final)
    syncDirectory(store.physicalDirectory)
  }
  rmSync(note, { force: true })
}

/**
 * Canonical before it can be reached by others: whoever opens a file while it is writable may write to it for ever. The top
 * stays writable (to us), since moving a directory to another parent needs that.
 */
function moveBeside(location: string, aside: string): void {
  canonicaliseTree(location)
  if (lstatSync(location).isDirectory()) chmodSync(location, 0o700)
  renameSync(location, aside)
}

function requireHash(store: Store, path: StorePath, expected: Hash, actual: Hash): void {
  if (hashesEqual(expected, actual)) return
  throw new UserError(
    'REPLACEMENT_MISMATCH',
    `what should replace '${store.format(path)}' has the hash ${formatHash(actual, 'sri')} instead of ${formatHash(expected, 'sri')}`,
    { hint: 'nothing was replaced' },
  )
}

function noteDirectory(store: Store): string {
  return `${store.ownDirectory}/replacements`
}
