/** What must hold inside of a catalog, and between it and its parent, beyond what reading it finds. */
import { constants } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { quoteBytes } from '@baryon/format'
import type { Catalog } from './catalog.ts'
import { COUNTERS, type Counts } from './catalog-writer.ts'
import type { Entry } from './entry.ts'
import { MARKER } from './tree-source.ts'

/** Told of a problem: a sentence with the path in it. */
export type Report = (problem: string) => void

/** The row of its mount point in the parent; undefined for the root catalog. */
export function checkCatalog(catalog: Catalog, mountpoint: Entry | undefined, report: Report): void {
  // The real client ends with SIGABRT, and the real check as well.
  if (!catalog.hasBindMountpoints) report(`the catalog of ${shown(catalog.path)} has no table bind_mountpoints`)
  const root = catalog.entry(catalog.path)
  if (root === undefined) {
    report(`the catalog of ${shown(catalog.path)} has no row for its root`)
    return
  }
  if (mountpoint !== undefined) {
    if (!isDeepStrictEqual(root, mountpoint))
      report(`${shown(catalog.path)} has different rows in its catalog and above`)
    if (catalog.entry(`${catalog.path}/${MARKER}`)?.kind !== 'file') report(`${shown(catalog.path)} has no ${MARKER}`)
  }
  const mounts = new Set(catalog.nested.map(({ path }) => path))
  const rows = walkRows(catalog, root, mounts, report)
  checkHardlinks(rows, report)
  if (rows.length !== catalog.rowCount()) {
    report(`the catalog of ${shown(catalog.path)} has ${catalog.rowCount() - rows.length} rows that no directory holds`)
  }
  for (const path of mounts) {
    if (catalog.entry(path)?.isNestedCatalog !== true)
      report(`${shown(path)} is listed as a nested catalog, but is no mount point`)
  }
  checkOwnCounters(catalog, rows, report)
}

/** `below` are the sums over all catalogs under it. */
export function checkSubtreeCounters(catalog: Catalog, below: Counts, report: Report): void {
  const { statistics } = catalog
  for (const name of COUNTERS) {
    const stored = statistics.get(`subtree_${name}`)
    if (stored !== below[name]) {
      report(
        `the catalog of ${shown(catalog.path)} counts subtree_${name} = ${stored ?? 'nothing'} instead of ${below[name]}`,
      )
    }
  }
}

function walkRows(catalog: Catalog, root: Entry, mounts: ReadonlySet<string>, report: Report): Entry[] {
  const rows: Entry[] = []
  const visit = (entry: Entry): void => {
    rows.push(entry)
    checkEntry(entry, report)
    if (entry.kind !== 'directory') return
    if (entry.path !== catalog.path && entry.isNestedCatalog) {
      if (!mounts.has(entry.path)) report(`${shown(entry.path)} is a mount point of no nested catalog`)
      return
    }
    const children = catalog.listAll(entry.path)
    const directories = children.filter(({ kind }) => kind === 'directory').length
    if (entry.linkCount !== 2 + directories) {
      report(`${shown(entry.path)} has the link count ${entry.linkCount} instead of ${2 + directories}`)
    }
    if (entry.path !== catalog.path && children.some(({ name }) => name === MARKER)) {
      report(`${shown(entry.path)} has a ${MARKER}, but no catalog of its own`)
    }
    for (const child of children) visit(child)
  }
  visit(root)
  return rows
}

/** Of the types that a mode can have. */
const KINDS = new Map<number, Entry['kind']>([
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFCHR, 'special'],
  [constants.S_IFBLK, 'special'],
  [constants.S_IFIFO, 'special'],
  [constants.S_IFSOCK, 'special'],
])

function checkEntry(entry: Entry, report: Report): void {
  const { path, kind, mode, size, target, hash, chunks, isExternal } = entry
  if (KINDS.get(mode & constants.S_IFMT) !== kind)
    report(`${shown(path)} is a ${kind} with the mode ${mode.toString(8)}`)
  if (kind === 'symlink' && size !== target.length) {
    report(`${shown(path)} is a link of ${target.length} bytes with the size ${size}`)
  }
  if (kind === 'symlink' && target === '') report(`${shown(path)} is a link to nothing`)
  if (kind === 'file' && !isExternal && hash === undefined && chunks === undefined)
    report(`${shown(path)} has no object`)
  if (kind !== 'directory' && entry.isNestedCatalog) report(`${shown(path)} is a mount point, but a ${kind}`)
}

/** All names of one file lie in one directory, and have the same row. */
function checkHardlinks(rows: readonly Entry[], report: Report): void {
  const groups = new Map<number, Entry[]>()
  for (const entry of rows) {
    if (entry.kind === 'directory') continue
    if (entry.hardlinkGroup === 0) {
      if (entry.linkCount !== 1) report(`${shown(entry.path)} has the link count ${entry.linkCount} instead of 1`)
      continue
    }
    const members = groups.get(entry.hardlinkGroup)
    if (members === undefined) groups.set(entry.hardlinkGroup, [entry])
    else members.push(entry)
  }
  for (const members of groups.values()) {
    const [first, ...others] = members as [Entry, ...Entry[]]
    if (first.linkCount !== members.length) {
      report(`${shown(first.path)} has the link count ${first.linkCount} instead of ${members.length}`)
    }
    for (const other of others) {
      if (directoryOf(other) !== directoryOf(first))
        report(`${shown(other.path)} and ${shown(first.path)} are one file in two directories`)
      const renamed = { ...other, path: first.path, name: first.name }
      if (!isDeepStrictEqual(renamed, first))
        report(`${shown(other.path)} and ${shown(first.path)} are one file with different rows`)
    }
  }
}

function checkOwnCounters(catalog: Catalog, rows: readonly Entry[], report: Report): void {
  const files = rows.filter(({ kind }) => kind === 'file')
  const chunked = files.filter(({ chunks }) => chunks !== undefined)
  const external = files.filter(({ isExternal }) => isExternal)
  const bytes = (entries: readonly Entry[]) => entries.reduce((sum, { size }) => sum + size, 0)
  const actual: Counts = {
    regular: files.length,
    symlink: rows.filter(({ kind }) => kind === 'symlink').length,
    special: rows.filter(({ kind }) => kind === 'special').length,
    dir: rows.filter(({ kind }) => kind === 'directory').length,
    nested: catalog.nested.length,
    chunked: chunked.length,
    chunks: chunked.reduce((sum, { chunks }) => sum + chunks!.length, 0),
    file_size: bytes(files),
    chunked_size: bytes(chunked),
    xattr: rows.filter(({ xattrs }) => xattrs.size > 0).length,
    external: external.length,
    external_file_size: bytes(external),
  }
  const { statistics } = catalog
  for (const name of COUNTERS) {
    const stored = statistics.get(`self_${name}`)
    if (stored !== actual[name]) {
      report(
        `the catalog of ${shown(catalog.path)} counts self_${name} = ${stored ?? 'nothing'} instead of ${actual[name]}`,
      )
    }
  }
}

function directoryOf({ path }: Entry): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function shown(path: string): string {
  return path === '' ? '/' : quoteBytes(path)
}
