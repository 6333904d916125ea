/**
 * A process that looks after a store, for the tests of crashes:
 *
 *     care-worker.ts ROOT replace PATH TREE     puts a copy of TREE into the place of PATH
 *     care-worker.ts ROOT optimise              deduplicates
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '@baryon/store'

const [root = '', action = '', path = '', tree = ''] = process.argv.slice(2)
const store = openStore({ storeDirectory: '/nix/store', root })
if (action === 'optimise') store.optimise()
else {
  const lock = store.tryLockPaths([store.parse(path)])!
  const location = join(root, `copy-${process.pid}`)
  cpSync(tree, location, { recursive: true, verbatimSymlinks: true })
  store.replacePath(store.parse(path), location)
  lock.release()
}
store.close()
