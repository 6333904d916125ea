/**
 * The releases of a store, each a root of the garbage collector:
 *
 *     STATE/gcroots/releases/HEP/1.0   -> STORE/…-HEP-1.0      the index of a release, a path of the store:
 *     STORE/…-HEP-1.0/PLATFORM         -> STORE/…-HEP-1.0-PLATFORM
 *
 * The link is replaced as a whole, so that a release appears, changes and disappears for all its platforms at once.
 */
import { mkdirSync, mkdtempSync, readlinkSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { listDirectory } from '@baryon/files'
import { isSystemError, parseBaseName, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { compareReleaseVersions, type ReleaseName } from './release-name.ts'

export interface Release extends ReleaseName {
  readonly index: StorePath
  /** By tag, sorted. */
  readonly platforms: ReadonlyMap<string, StorePath>
}

/** Where the links are. The times of it and its directories change when a release is made or removed. */
export function releaseRoots(store: Pick<Store, 'stateDirectory'>): string {
  return join(store.stateDirectory, 'gcroots/releases')
}

/** All releases, by name, the newest version of each first. */
export function listReleases(store: Store): Release[] {
  return listDirectory(releaseRoots(store)).flatMap((name) => releasesNamed(store, name))
}

/** Those with this very name, the newest version first. */
export function releasesNamed(store: Store, name: string): Release[] {
  return listDirectory(join(releaseRoots(store), name))
    .sort((a, b) => compareReleaseVersions(b, a))
    .flatMap((version) => findRelease(store, { name, version }) ?? [])
}

export function findRelease(store: Store, { name, version }: ReleaseName): Release | undefined {
  const index = linkedPath(join(releaseRoots(store), name, version))
  if (index === undefined) return undefined
  const directory = store.physicalPath(index)
  const platforms = listDirectory(directory)
    .map((tag) => [tag, linkedPath(join(directory, tag))] as const)
    .filter((entry): entry is readonly [string, StorePath] => entry[1] !== undefined)
  return platforms.length === 0 ? undefined : { name, version, index, platforms: new Map(platforms) }
}

/**
 * Makes the release have the platforms, with those that it has already; `change` gives what it shall have from what it has, and
 * throws to leave it. With none left the release is removed, and the result undefined. One process at a time.
 */
export function changeRelease(
  store: Store,
  release: ReleaseName,
  change: (platforms: ReadonlyMap<string, StorePath>) => ReadonlyMap<string, StorePath>,
): Release | undefined {
  const lock = store.locks.lock('releases', LOCK_TIMEOUT)
  try {
    const link = join(releaseRoots(store), release.name, release.version)
    const platforms = change(findRelease(store, release)?.platforms ?? new Map())
    if (platforms.size === 0) {
      removeLink(link)
      return undefined
    }
    store.addPermanentRoot(link, addIndex(store, release, platforms))
    return findRelease(store, release)
  } finally {
    lock.release()
  }
}

/** Milliseconds: nobody holds it for longer than writing a few links takes. */
const LOCK_TIMEOUT = 60_000

function addIndex(store: Store, { name, version }: ReleaseName, platforms: ReadonlyMap<string, StorePath>): StorePath {
  const scratch = mkdtempSync(join(tmpdir(), 'baryon-release-'))
  try {
    const directory = join(scratch, 'index')
    mkdirSync(directory)
    for (const [tag, path] of platforms) symlinkSync(store.format(path), join(directory, tag))
    return store.addPath(`${name}-${version}`, directory, { references: [...platforms.values()] })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function removeLink(link: string): void {
  rmSync(link, { force: true })
  try {
    rmdirSync(dirname(link))
  } catch (error) {
    // Other versions.
    if (!isSystemError(error, 'ENOTEMPTY', 'ENOENT')) throw error
  }
}

function linkedPath(link: string): StorePath | undefined {
  try {
    const target = readlinkSync(link)
    return parseBaseName(target.slice(target.lastIndexOf('/') + 1))
  } catch (error) {
    // Something else lies there, or it was removed just now.
    if (isSystemError(error, 'EINVAL', 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
