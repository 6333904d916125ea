/**
 * A process that works on a store, for the tests of concurrency and crashes:
 *
 *     store-worker.ts ROOT add SEED COUNT     adds texts, trees, NARs and outputs; checks after each that it is there
 *     store-worker.ts ROOT root SEED COUNT    makes and removes links to texts that keep them, each looked at once it is made
 *     store-worker.ts ROOT collect COUNT      collects garbage over and over
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StorePath } from '@baryon/format'
import { dumpNar, hashPath, openStore, removeTree, type Store } from '@baryon/store'
import { writeTree } from '@baryon/testing'

const [root = '', action = '', ...rest] = process.argv.slice(2)
const store = openStore({ storeDirectory: '/nix/store', root })
if (action === 'add') add(store, Number(rest[0]), Number(rest[1]))
else if (action === 'root') keep(Number(rest[0]), Number(rest[1]))
else for (let round = 0; round < Number(rest[0]); round++) store.collectGarbage()
store.close()

function add(store: Store, seed: number, count: number): void {
  const scratch = mkdtempSync(join(root, 'scratch-'))
  try {
    for (let index = 0; index < count; index++) {
      // All workers make the same paths, each in an order of its own.
      const item = (index * 7 + seed * 13) % count
      const text = store.addText(`text-${item}`, `text ${item}\n`)
      const user = store.addText(`user-${item}`, `see ${store.format(text)}\n`, [text])
      const tree = join(scratch, `tree-${index}`)
      writeTree(tree, {
        entries: { a: `${item}`.repeat(5000), b: { entries: { c: store.format(text) } }, d: { symlink: 'a' } },
      })
      const source = store.addPath(`source-${item}`, tree)
      const imported: StorePath = {
        // None that processes of other tests may name, which would keep it.
        digest: 'crash'.repeat(6) + String(item).padStart(2, '0').slice(-2),
        name: 'imported',
      }
      const { hash, size } = hashPath(tree)
      const nar: Uint8Array[] = []
      dumpNar(tree, (chunk) => nar.push(Buffer.from(chunk)))
      store.addNar({ path: imported, narHash: hash, narSize: size, references: [text] }, nar)
      for (const path of [text, user, source, imported]) {
        assert.ok(store.isValid(path), `${store.format(path)} is not valid`)
        assert.ok(existsSync(store.physicalPath(path)), `${store.format(path)} is not there`)
      }
    }
    for (let item = 0; item < count; item++)
      assert.ok(existsSync(store.physicalPath(store.addText(`text-${item}`, `text ${item}\n`))))
  } finally {
    removeTree(scratch)
  }
}

function keep(seed: number, count: number): void {
  for (let index = 0; index < count; index++) {
    const link = join(root, `link-${seed}-${index % 5}`)
    // Closed each time, so that nothing but the link keeps it.
    const own = openStore({ storeDirectory: '/nix/store', root })
    const text = own.addText(`kept-${index % 7}`, `kept ${index % 7}\n`)
    own.addPermanentRoot(link, text, { reachable: index % 2 === 0 })
    own.close()
    assert.ok(existsSync(store.physicalPath(text)), `${store.format(text)} is not there`)
    if (index % 3 === 0) rmSync(link)
  }
}
