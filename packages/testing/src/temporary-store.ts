/** Temporary directories and stores that vanish with the test. */
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, removeTree, type Store, type StoreOptions } from '@baryon/store'

/** What a test context of `node:test` offers; the context of `before` hooks and suites as well. */
export interface Cleanup {
  after(work: () => void | Promise<void>): void
}

/**
 * Runs the work when the test ends, the last given first: a store closes before its directory goes. The hooks of
 * `node:test` run in the order in which they are given, so that one of them does all.
 */
export function atEnd(test: Cleanup, work: Work): void {
  const known = works.get(test)
  if (known !== undefined) {
    known.push(work)
    return
  }
  const list = [work]
  works.set(test, list)
  test.after(async () => {
    for (const next of list.reverse()) await next()
  })
}

type Work = () => void | Promise<void>

const works = new WeakMap<Cleanup, Work[]>()

/** A fresh directory (no symbolic link in its path), removed with all that is in it when the test ends. */
export function temporaryDirectory(test: Cleanup): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-test-')))
  atEnd(test, () => void removeTree(directory))
  return directory
}

/** An open store in a fresh root; give that root again to open the same store a second time. */
export function temporaryStore(
  test: Cleanup,
  options: Partial<StoreOptions> = {},
): { readonly store: Store; readonly root: string; readonly storeDirectory: string } {
  const root = options.root ?? temporaryDirectory(test)
  const storeDirectory = options.storeDirectory ?? '/cvmfs/lhcb.example.org/nix/store'
  const store = openStore({ ...options, root, storeDirectory })
  atEnd(test, () => store.close())
  return { store, root, storeDirectory }
}
