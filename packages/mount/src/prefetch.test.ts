import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Entry, ObjectCache, ObjectSource, WantedObject } from '@baryon/cvmfs'
import { createPrefetch } from './prefetch.ts'

const source: ObjectSource = { name: 'none', open: () => assert.fail('everything goes through the cache') }

function file(index: number, more: Partial<Entry> = {}): Entry {
  const hash = { algorithm: 'sha1', hex: index.toString(16).padStart(40, '0') } as const
  return {
    path: `/d/${index}`,
    name: String(index),
    kind: 'file',
    mode: 0o100644,
    uid: 0,
    gid: 0,
    size: 10,
    mtime: 0,
    mtimeNanoseconds: undefined,
    linkCount: 1,
    hardlinkGroup: 0,
    hash,
    chunks: undefined,
    isCompressed: true,
    isExternal: false,
    target: '',
    xattrs: new Map(),
    isNestedCatalog: false,
    ...more,
  }
}

/** Numbers of the files that are fetched; each fetch fails or not. */
function scene(isFailing = false) {
  const fetched: number[] = []
  const cache: ObjectCache = {
    directory: '',
    fetch: async (_, { hash }: WantedObject) => {
      fetched.push(Number.parseInt(hash.hex, 16))
      if (isFailing) throw new Error('no server')
      return ''
    },
  }
  const prefetch = createPrefetch(cache, source)
  return { prefetch, take: () => fetched.splice(0) }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('more, the longer somebody goes through a directory', () => {
  const { prefetch, take } = scene()
  const files = range(0, 199).map((index) => file(index))
  prefetch.noteFile(files[10]!, files)
  assert.deepEqual(take(), range(11, 18))
  // Waited for while it was on its way, in the first half and then in the second one.
  prefetch.noteFile(files[12]!, files)
  assert.deepEqual(take(), [])
  prefetch.noteFile(files[17]!, files)
  assert.deepEqual(take(), range(19, 34))
  prefetch.noteFile(files[35]!, files)
  assert.deepEqual(take(), range(36, 67))
  // Somewhere else, and at the end.
  prefetch.noteFile(files[150]!, files)
  assert.deepEqual(take(), range(151, 158))
  prefetch.noteFile(files[198]!, files)
  assert.deepEqual(take(), [199])
  prefetch.noteFile(files[199]!, files)
  assert.deepEqual(take(), [])
})

test('large, chunked and external files are left out', () => {
  const { prefetch, take } = scene()
  const files = [
    file(0),
    file(1, { size: 2 ** 21 }),
    file(2, { hash: undefined, chunks: [] }),
    file(3, { isExternal: true }),
    file(4),
  ]
  prefetch.noteFile(files[0]!, files)
  assert.deepEqual(take(), [4])
})

test('the next chunk', () => {
  const { prefetch, take } = scene()
  const chunks = range(1, 3).map((index) => ({ offset: (index - 1) * 4, size: 4, hash: file(index).hash! }))
  const entry = file(9, { hash: undefined, size: 12, chunks })
  prefetch.noteChunk(entry, chunks[0]!.hash)
  assert.deepEqual(take(), [2])
  prefetch.noteChunk(entry, chunks[2]!.hash)
  assert.deepEqual(take(), [])
})

test('nothing more for a while from a server that does not answer', async () => {
  const { prefetch, take } = scene(true)
  const files = range(0, 50).map((index) => file(index))
  prefetch.noteFile(files[0]!, files)
  assert.equal(take().length, 8)
  await setImmediate()
  prefetch.noteFile(files[20]!, files)
  assert.deepEqual(take(), [])
})
