import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import { dumpNar } from '@baryon/store'
import { arbitraryTree, peer, type Tree, temporaryDirectory, writeTree } from '@baryon/testing'
import * as fc from 'fast-check'
import { createNarReader } from './nar-reader.ts'

const nixStore = peer('nix-store')

/** Reads the range through buffers of this size. */
function read(path: string, start: number, end: number, bufferSize: number): Buffer {
  const reader = createNarReader(path, start, end)
  const chunks: Buffer[] = []
  for (;;) {
    const buffer = Buffer.alloc(bufferSize)
    const count = reader.fill(buffer)
    if (count === 0) break
    // Only the last one may be short.
    if (chunks.length > 0) assert.equal(chunks.at(-1)!.length, bufferSize)
    chunks.push(buffer.subarray(0, count))
  }
  reader.close()
  return Buffer.concat(chunks)
}

function dump(path: string): Buffer {
  const chunks: Buffer[] = []
  dumpNar(path, (chunk) => chunks.push(Buffer.from(chunk)))
  return Buffer.concat(chunks)
}

/** Sizes around those at which files are read in another way. */
const sizes = [
  0,
  1,
  7,
  8,
  8191,
  8192,
  65535,
  65536,
  65537,
  1 << 20,
  (1 << 20) + 1,
  (1 << 20) + 65535,
  (1 << 20) + 65536,
]

function treeOfSizes(): Tree {
  const file = (size: number, index: number): Tree => ({
    file: Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + index) & 255)),
    mode: index % 2 === 0 ? 0o644 : 0o755,
  })
  return { entries: Object.fromEntries(sizes.map((size, index) => [`file-${index}`, file(size, index)])) }
}

test('a whole NAR has the bytes that Nix dumps, whatever the size of the buffers', { skip: nixStore.skip }, (t) => {
  const home = temporaryDirectory(t)
  const path = join(home, 'tree')
  writeTree(path, treeOfSizes())
  const expected = Buffer.from(nixStore.run(['--dump', path], { home }).stdout, 'latin1')
  for (const size of [1000, 65536, 1 << 20, 1 << 23])
    assert.ok(read(path, 0, expected.length, size).equals(expected), `buffers of ${size}`)
})

test('any range is that part of the whole', (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'sizes')
  writeTree(path, treeOfSizes())
  const whole = dump(path)
  const position = fc.integer({ min: 0, max: whole.length })
  fc.assert(
    fc.property(position, position, fc.constantFrom(4096, 100_000, 1 << 22), (a, b, size) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      assert.ok(read(path, start, end, size).equals(whole.subarray(start, end)))
    }),
    { numRuns: 40 },
  )
})

test('small trees of every shape, in ranges', (t) => {
  const directory = temporaryDirectory(t)
  let count = 0
  fc.assert(
    fc.property(arbitraryTree, fc.double({ min: 0, max: 1, noNaN: true }), (tree, part) => {
      const path = join(directory, String(++count))
      writeTree(path, tree)
      const whole = dump(path)
      const start = Math.floor(part * whole.length)
      assert.ok(read(path, start, whole.length, 64).equals(whole.subarray(start)))
      assert.ok(read(path, 0, start, 100).equals(whole.subarray(0, start)))
    }),
    { numRuns: 40 },
  )
})

test('a file that shrinks while it is sent is an error, not a shorter NAR', (t) => {
  const path = join(temporaryDirectory(t), 'file')
  writeTree(path, Buffer.alloc(300_000))
  const reader = createNarReader(path, 0, 400_000)
  assert.equal(reader.fill(Buffer.alloc(1000)), 1000)
  truncateSync(path, 1000)
  assert.throws(
    () => reader.fill(Buffer.alloc(100_000)),
    (error) => error instanceof UserError && error.code === 'FILE_CHANGED',
  )
  reader.close()
})
