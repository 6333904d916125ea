import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryTree, type Tree, treeBuilder, visitTree } from '../test/tree.ts'
import {
  createExportReader,
  EXPORT_END,
  EXPORT_PATH_START,
  type ExportedPath,
  formatExportedPath,
} from './export-stream.ts'
import { UserError } from './user-error.ts'
import { createNarWriter } from './write-nar.ts'

// From `echo -n hi > f; nix-store --export $(nix-store --add f)` with NIX_STORE_DIR=/s.
const HI =
  '01000000000000000d000000000000006e69782d617263686976652d31000000010000000000000028000000000000000400000000000000' +
  '74797065000000000700000000000000726567756c6172000800000000000000636f6e74656e747302000000000000006869000000000000' +
  '010000000000000029000000000000004e4958450000000025000000000000002f732f786d3778766864616977773468376e677a61776d71' +
  '353578617233366872646d2d660000000000000000000000000000000000000000000000000000000000000000000000'

interface Item {
  readonly tree: Tree
  readonly info: ExportedPath
}

const arbitraryItem: fc.Arbitrary<Item> = fc.record({
  tree: arbitraryTree(40),
  info: fc.record(
    {
      path: fc.string({ maxLength: 20 }).map(latin1),
      references: fc.uniqueArray(fc.string({ maxLength: 20 }).map(latin1), { maxLength: 4 }).map((list) => list.sort()),
      deriver: fc.string({ maxLength: 20 }).map(latin1),
    },
    { noNullPrototype: true },
  ),
})

test('a stream of Nix', () => {
  const [hi] = readAll([Buffer.from(HI, 'hex')])
  assert.deepEqual(hi!.tree, { kind: 'file', content: 'hi', executable: false })
  assert.deepEqual(hi!.info, { path: '/s/xm7xvhdaiww4h7ngzawmq55xar36hrdm-f', references: [], deriver: '' })
  assert.equal(write([hi!]).toString('hex'), HI)
})

test('reading gives back what was written, however the bytes are cut, and leaves what follows', () => {
  fc.assert(
    fc.property(fc.array(arbitraryItem, { maxLength: 3 }), fc.integer({ min: 1, max: 50 }), (items, size) => {
      const stream = write(items)
      const chunks = cut(Buffer.concat([stream, Buffer.from('more')]), size)
      const read = readAll(chunks)
      assert.deepEqual(
        read.map(({ info }) => info),
        items.map(({ info }) => info),
      )
      for (const [index, { tree, nar }] of read.entries()) {
        assert.deepEqual(JSON.parse(JSON.stringify(tree)), JSON.parse(JSON.stringify(items[index]!.tree)))
        assert.deepEqual(nar, narOf(items[index]!.tree))
      }
    }),
    { numRuns: 60 },
  )
})

test('damaged bytes are refused with a code, or are read', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryItem, { minLength: 1, maxLength: 2 }),
      fc.nat(),
      fc.uint8Array({ maxLength: 20 }),
      fc.nat({ max: 40 }),
      (items, at, garbage, removed) => {
        const stream = write(items)
        const start = at % stream.length
        const damaged = Buffer.concat([stream.subarray(0, start), garbage, stream.subarray(start + removed)])
        try {
          readAll(cut(damaged, 64))
        } catch (error) {
          if (!(error instanceof UserError && /^(EXPORT|NAR)_INVALID$/.test(error.code))) throw error
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a stream that is cut off anywhere is refused', () => {
  const stream = write([
    {
      tree: { kind: 'file', content: 'hi', executable: false },
      info: { path: '/s/x', references: ['/s/y'], deriver: '' },
    },
  ])
  for (let length = 0; length < stream.length; length++)
    assert.throws(() => readAll([stream.subarray(0, length)]), { code: 'EXPORT_INVALID' }, String(length))
  assert.equal(readAll([stream]).length, 1)
})

test('declared sizes that lie cost no memory', () => {
  const nar = narOf({ kind: 'symlink', target: 'x' })
  const start = Buffer.concat([EXPORT_PATH_START, nar, number(0x4558494en)])
  const path = Buffer.concat([number(1n), Buffer.from('p'.padEnd(8, '\0'))])
  for (const rest of [
    [number(1n << 40n)],
    [number((1n << 64n) - 1n)],
    [path, number(1n << 40n)],
    [path, number((1n << 64n) - 1n)],
    [path, number(0n), number(4097n)],
    [path, number(0n), number(0n), number(1n), number(1n << 30n)],
    [number(1n), Buffer.from('pppppppp')],
  ])
    assert.throws(() => readAll([Buffer.concat([start, ...rest])]), { code: 'EXPORT_INVALID' })
})

function write(items: readonly Item[]): Buffer {
  const parts = items.flatMap(({ tree, info }) => [EXPORT_PATH_START, narOf(tree), formatExportedPath(info)])
  return Buffer.concat([...parts, EXPORT_END])
}

function narOf(tree: Tree): Buffer {
  const chunks: Buffer[] = []
  const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
  visitTree(tree, writer)
  writer.end()
  return Buffer.concat(chunks)
}

function readAll(chunks: Iterable<Uint8Array>) {
  const reader = createExportReader(chunks)
  const read: { readonly info: ExportedPath; readonly tree: Tree; readonly nar: Buffer }[] = []
  for (;;) {
    const builder = treeBuilder()
    const nar: Buffer[] = []
    const info = reader.next(builder.visitor, (chunk) => nar.push(Buffer.from(chunk)))
    if (info === undefined) return read
    read.push({ info, tree: builder.tree(), nar: Buffer.concat(nar) })
  }
}

/** Each chunk is spoilt when the next one is asked for. */
function* cut(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    const chunk = Buffer.from(bytes.subarray(start, start + size))
    yield chunk
    chunk.fill(0xee)
  }
}

function number(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
