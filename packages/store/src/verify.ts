/** Checks a store against its database. Reports as data and changes nothing. */
import { lstatSync, readdirSync } from 'node:fs'
import { formatHash, hashesEqual, parseHash, type StorePath, UserError } from '@baryon/format'
import { damagedLinks, linkDirectory } from './link-directory.ts'
import { hashPath } from './nar-tree.ts'
import type { Store } from './store.ts'

export interface VerifyOptions {
  /** Only these, which must be valid; default: all, with the database, `.links` and what is left over. */
  readonly paths?: readonly StorePath[] | undefined
  /** Reads every file and compares hashes. */
  readonly checkContents?: boolean
  /** Called for each path, for progress. */
  readonly onPath?: (path: string, index: number, total: number) => void
}

export type VerifyProblem =
  /** Valid, but not on disk. */
  | { readonly kind: 'missing'; readonly path: StorePath }
  /** The contents are not those that were registered; `actual` says what they are, or why they could not be read. */
  | { readonly kind: 'corrupt'; readonly path: StorePath; readonly expected: string; readonly actual: string }
  /** Refers to a path that is valid, but not on disk. */
  | { readonly kind: 'broken-reference'; readonly path: StorePath; readonly reference: StorePath }
  /** A file in `.links` whose contents are not what its name says: a deduplication would spread the damage. */
  | { readonly kind: 'link'; readonly name: string }
  /** A row that cannot be understood, or what SQLite finds. */
  | { readonly kind: 'database'; readonly message: string }

export interface VerifyReport {
  readonly checked: number
  /** Empty when the store is sound. */
  readonly problems: readonly VerifyProblem[]
  /** Names in the store directory that are not valid paths: leftovers, or being made. Garbage collection removes the former. */
  readonly orphans: readonly string[]
}

export function verifyStore(store: Store, options: VerifyOptions): VerifyReport {
  const whole = options.paths === undefined
  const problems: VerifyProblem[] = whole
    ? store.database.integrityProblems().map((message) => ({ kind: 'database', message }))
    : []
  const rows = options.paths === undefined ? store.database.rowsAsTheyAre() : rowsOf(store, options.paths)
  const missing = new Set<string>()
  const paths: StorePath[] = []
  for (const row of rows) {
    try {
      const path = store.toPathInfo(store.database.checked(row)).path
      paths.push(path)
      if (lstatSync(store.physicalPath(path), { throwIfNoEntry: false }) !== undefined) continue
      missing.add(store.format(path))
      problems.push({ kind: 'missing', path })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problems.push({ kind: 'database', message: `row ${String(row.id)}: ${error.message}` })
    }
  }
  if (missing.size > 0) {
    for (const path of paths) {
      for (const reference of store.pathInfo(path).references) {
        if (missing.has(store.format(reference)) && reference.digest !== path.digest)
          problems.push({ kind: 'broken-reference', path, reference })
      }
    }
  }
  if (options.checkContents === true) {
    for (const [index, path] of paths.entries()) {
      options.onPath?.(store.format(path), index, paths.length)
      if (!missing.has(store.format(path))) checkContents(store, path, problems)
    }
  }
  if (!whole) return { checked: rows.length, problems, orphans: [] }
  if (options.checkContents === true)
    for (const name of damagedLinks(linkDirectory(store))) problems.push({ kind: 'link', name })
  const valid = new Set(rows.map((row) => row.path))
  const orphans = readdirSync(store.physicalDirectory).filter(
    (name) => name !== '.links' && !valid.has(`${store.storeDirectory}/${name}`),
  )
  return { checked: rows.length, problems, orphans: orphans.sort() }
}

function rowsOf(store: Store, paths: readonly StorePath[]): Record<string, unknown>[] {
  return paths.map((path) => {
    store.pathInfo(path)
    return { ...store.database.row(store.format(path))! }
  })
}

function checkContents(store: Store, path: StorePath, problems: VerifyProblem[]): void {
  const row = store.database.row(store.format(path))
  // Collected meanwhile.
  if (row === undefined) return
  const expected = parseHash(row.hash)
  const fail = (actual: string) =>
    problems.push({ kind: 'corrupt', path, expected: formatHash(expected, 'nix32'), actual })
  try {
    const { hash, size } = hashPath(store.physicalPath(path), expected.algorithm)
    if (!hashesEqual(hash, expected)) fail(formatHash(hash, 'nix32'))
    else if (row.narSize !== null && row.narSize !== size) fail(`${size} bytes instead of ${row.narSize}`)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    fail(error.message)
  }
}
