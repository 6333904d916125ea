/**
 * What a CVMFS repository says of a store path beside its tree: hash and size of its NAR, references, deriver, signatures and content
 * address, as the narinfo of a binary cache. Clients of CVMFS show it as a file, and do nothing with it.
 *
 *     /nix/store/DIGEST-NAME/.cvmfscatalog        of a directory: the marker of its catalog, which is there anyhow
 *     /nix/store/.narinfo/DIGEST-NAME.narinfo     of files and links, and of directories that have such a marker themselves
 */
import {
  formatNarinfo,
  type Narinfo,
  parseContentAddress,
  parseNarinfo,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { PathInfo } from '@baryon/store'

/** The store directory inside the repository: `/nix/store`. Throws `CVMFS_STORE_DIRECTORY`. */
export function storePlace(storeDirectory: string, repository: string): string {
  const mount = `/cvmfs/${repository}`
  if (storeDirectory.startsWith(`${mount}/`)) return storeDirectory.slice(mount.length)
  throw new UserError(
    'CVMFS_STORE_DIRECTORY',
    `paths of ${storeDirectory} cannot be found below ${mount}, where ${repository} is mounted`,
    { hint: 'use the repository that the store directory is in, or build for the store directory of this one' },
  )
}

/** Of a path whose tree has no such file itself. */
export function markerRecord(place: string, path: StorePath): string {
  return `${place}/${storePathBaseName(path)}/.cvmfscatalog`
}

export function fileRecord(place: string, path: StorePath): string {
  return `${place}/${RECORDS}/${storePathBaseName(path)}.narinfo`
}

/** The text of a record; names are byte strings. */
export function formatRecord(storeDirectory: string, info: PathInfo): string {
  const { path, narHash, narSize, references, deriver, signatures, contentAddress } = info
  return formatNarinfo(storeDirectory, {
    path,
    // Where the tree is, from the store directory; no field of a narinfo can be left out less than this one.
    url: storePathBaseName(path),
    compression: 'none',
    narHash,
    narSize,
    references,
    ...(deriver === undefined ? {} : { deriver }),
    signatures,
    ...(contentAddress === undefined ? {} : { contentAddress: parseContentAddress(contentAddress) }),
  })
}

/** Throws `NARINFO_INVALID` for what is none, or one of another path. */
export function parseRecord(storeDirectory: string, path: StorePath, text: string): Narinfo {
  const narinfo = parseNarinfo(storeDirectory, text)
  if (storePathBaseName(narinfo.path) === storePathBaseName(path)) return narinfo
  throw new UserError(
    'NARINFO_INVALID',
    `the record of '${storePathBaseName(path)}' is one of '${storePathBaseName(narinfo.path)}'`,
  )
}

/** No store path can have this name. */
export const RECORDS = '.narinfo'
