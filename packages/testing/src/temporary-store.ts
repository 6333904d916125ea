/** Temporary directories and stores that vanish with the test. */
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, removeTree, type Store, type StoreOptions } from '@baryon/store'

/** What a test context of `node:test` offers; the context of `before` hooks and suites as well. */
export interface Cleanup {
  after(work: () => void): void
}

/** A fresh directory (no symbolic link in its path), removed with all that is in it when the test ends. */
export function temporaryDirectory(test: Cleanup): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'baryon-test-')))
  test.after(() => {
    removeTree(directory)
  })
  return directory
}

/** An open store in a fresh root; the root is `dirname`-free: give it to `openStore` again to open the store a second time. */
export function temporaryStore(
  test: Cleanup,
  options: Partial<StoreOptions> = {},
): { readonly store: Store; readonly root: string; readonly storeDirectory: string } {
  const root = options.root ?? temporaryDirectory(test)
  const storeDirectory = options.storeDirectory ?? '/cvmfs/lhcb.example.org/nix/store'
  const store = openStore({ ...options, root, storeDirectory })
  test.after(() => {
    store.close()
  })
  return { store, root, storeDirectory }
}
