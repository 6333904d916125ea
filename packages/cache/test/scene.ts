/** A store with paths of every kind in it, and what tests of caches do again and again. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  openCache,
  openLookup,
  type PullOptions,
  type PushOptions,
  pullPaths,
  pushPaths,
  type Trust,
} from '@baryon/cache'
import { formatPublicKey, generateKeyPair, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import { type Cleanup, temporaryDirectory, temporaryStore, writeTree } from '@baryon/testing'

export interface Scene {
  readonly store: Store
  /** A text; a tree that refers to it; and what was built: `lib` refers to itself, `app` to `lib` and the tree. */
  readonly text: StorePath
  readonly source: StorePath
  readonly lib: StorePath
  readonly app: StorePath
}

export const BUILD_ID = `${'ab'.repeat(19)}`

/** `size` is that of the largest file, in bytes of which half do not compress. */
export function scene(test: Cleanup, size = 300_000): Scene {
  const { store } = temporaryStore(test)
  const directory = temporaryDirectory(test)
  const text = store.addText('text', 'a text\n')
  const tree = join(directory, 'tree')
  writeTree(tree, {
    entries: {
      'odd \xc3\xa4\xff "\\\n\x01 name': 'x',
      run: { file: '#!/bin/sh\n', mode: 0o755 },
      link: { symlink: store.format(text) },
    },
  })
  const source = store.addPath('source', tree, { references: [text] })
  const lib = store.parse(`${store.storeDirectory}/${'1'.repeat(32)}-lib`)
  const app = store.parse(`${store.storeDirectory}/${'2'.repeat(32)}-app`)
  writeTree(join(directory, 'lib'), {
    entries: {
      big: Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2, 'text ')]),
      self: store.format(lib),
      empty: '',
      lib: {
        entries: {
          debug: { entries: { '.build-id': { entries: { cd: { entries: { [`${BUILD_ID}.debug`]: 'DWARF' } } } } } },
        },
      },
    },
  })
  writeTree(join(directory, 'app'), { entries: { needs: `${store.format(lib)}\n${store.format(source)}` } })
  const candidates = [text, source, lib]
  const deriver = store.parse(`${store.storeDirectory}/${'3'.repeat(32)}-app.drv`)
  store.registerOutputs([{ path: lib, location: join(directory, 'lib') }], { candidates })
  store.registerOutputs([{ path: app, location: join(directory, 'app') }], { candidates, deriver })
  return { store, text, source, lib, app }
}

/** An empty store of the same store directory. */
export function emptyStore(test: Cleanup): Store {
  return temporaryStore(test).store
}

export const testKey = generateKeyPair('cache.example.org-1')
export const testPublicKey = formatPublicKey(testKey.publicKey)
export const trusting: Trust = { keys: [testKey.publicKey], trustAll: false }

export function push(store: Store, url: string, paths: readonly StorePath[], options: Partial<PushOptions> = {}) {
  const address = { url, options: { storeDirectory: store.storeDirectory } }
  return pushPaths(store, address, paths, { compression: 'zstd', keys: [testKey], ...options })
}

export interface PullChoices extends PullOptions {
  readonly trust?: Trust
  readonly refusals?: string[]
}

/** Quick about faults, so that tests are. */
export const impatient = { retries: { attempts: 3, backoff: 5 }, timeouts: { connect: 5000, stall: 1000 } }

export async function pull(
  store: Store,
  urls: readonly string[],
  paths: readonly StorePath[],
  choices: PullChoices = {},
) {
  const { trust = trusting, refusals = [], ...options } = choices
  const sources = []
  for (const url of urls) {
    const address = { url, options: { storeDirectory: store.storeDirectory, ...impatient } }
    const onRefusal = (error: { readonly code: string }): void => void refusals.push(error.code)
    sources.push({ lookup: await openLookup(openCache(url, address.options), { trust, onRefusal }), address })
  }
  return pullPaths(store, sources, paths, options)
}

/** Contents and records are what they should be, and nothing else is there. */
export function expectSound(store: Store, paths: readonly StorePath[]): void {
  const report = store.verify({ checkContents: true })
  assert.deepEqual(report.problems, [])
  assert.deepEqual(report.orphans, [])
  for (const path of paths) assert.ok(store.isValid(path), store.format(path))
}
