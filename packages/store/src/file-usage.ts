/** Disk space of trees in which files may have several names, of sets of such trees, and what removing a set would free. */
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { isSystemError } from '@baryon/format'
import { nativePath } from './byte-path.ts'
import { linkDirectory, listLinks } from './link-directory.ts'

/** The files below one store path. */
export interface TreeUsage {
  /** Bytes on disk of what has no name outside the path. */
  readonly own: number
  /** Files that have other names as well, by inode. */
  readonly shared: ReadonlyMap<number, SharedFile>
}

export interface SharedFile {
  /** Bytes on disk. */
  readonly bytes: number
  /** Names within the path. */
  readonly names: number
  /** Names outside `.links`: when all of these are gone, so is the file. */
  readonly needed: number
}

/** Inodes in `.links`, whose name there does not keep them alive. */
export function linkedInodes(store: { readonly physicalDirectory: string }): ReadonlySet<number> {
  const directory = linkDirectory(store)
  const inodes = new Set<number>()
  for (const name of listLinks(directory)) {
    const stat = lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })
    if (stat !== undefined) inodes.add(stat.ino)
  }
  return inodes
}

/** What vanishes during the walk counts nothing. */
export function measureTree(top: string, linked: ReadonlySet<number>): TreeUsage {
  let own = 0
  const files = new Map<number, { bytes: number; names: number; needed: number }>()
  const visit = (path: string) => {
    const stat = statusOf(path)
    if (stat === undefined) return
    const bytes = stat.blocks * 512
    if (stat.isDirectory()) {
      own += bytes
      for (const name of namesIn(path)) visit(`${path}/${name}`)
    } else if (stat.nlink === 1) {
      own += bytes
    } else {
      const known = files.get(stat.ino)
      if (known !== undefined) known.names++
      else files.set(stat.ino, { bytes, names: 1, needed: stat.nlink - (linked.has(stat.ino) ? 1 : 0) })
    }
  }
  visit(top)
  for (const [inode, file] of files) {
    if (file.names < file.needed) continue
    own += file.bytes
    files.delete(inode)
  }
  return { own, shared: files }
}

/** What was measured of many trees, by their numbers. */
export interface Measured {
  readonly own: Float64Array
  /** Only of trees that have some. */
  readonly shared: ReadonlyMap<number, TreeUsage['shared']>
}

/** Bytes that the chosen trees take together, each file counted once. */
export function diskSize({ own, shared }: Measured, chosen: ArrayLike<number>): number {
  let bytes = 0
  const seen = new Set<number>()
  for (let position = 0; position < chosen.length; position++) {
    const index = chosen[position]!
    bytes += own[index]!
    if (shared.size === 0) continue
    for (const [inode, file] of shared.get(index) ?? []) {
      if (!seen.has(inode)) bytes += file.bytes
      seen.add(inode)
    }
  }
  return bytes
}

/** Bytes that become free when all of them go: not those of files that have names elsewhere. */
export function freedSize({ own, shared }: Measured, chosen: ArrayLike<number>): number {
  let bytes = 0
  const names = new Map<number, number>()
  for (let position = 0; position < chosen.length; position++) {
    const index = chosen[position]!
    bytes += own[index]!
    for (const [inode, file] of shared.get(index) ?? []) {
      const count = (names.get(inode) ?? 0) + file.names
      names.set(inode, count)
      if (count >= file.needed) bytes += file.bytes
    }
  }
  return bytes
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(nativePath(path), { throwIfNoEntry: false })
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(nativePath(path), { encoding: 'latin1' })
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}
