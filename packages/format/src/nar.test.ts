import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryTree, type Tree, treeBuilder, visitTree } from '../test/tree.ts'
import { MAX_NAR_DEPTH, type NarVisitor } from './nar.ts'
import { createNarParser } from './parse-nar.ts'
import { UserError } from './user-error.ts'
import { createNarWriter } from './write-nar.ts'

// From `printf hi > f; nix-store --dump f`.
const HI =
  '0d000000000000006e69782d617263686976652d310000000100000000000000280000000000000004000000000000007479706500000000' +
  '0700000000000000726567756c617200' +
  '0800000000000000636f6e74656e7473' +
  '02000000000000006869000000000000' +
  '01000000000000002900000000000000'

test('a file of two bytes', () => {
  assert.equal(write({ kind: 'file', content: 'hi', executable: false }).toString('hex'), HI)
})

test('parsing gives back what was written, however the bytes are cut', () => {
  fc.assert(
    fc.property(arbitraryTree(), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (tree, cuts) => {
      const nar = write(tree, cuts[0])
      const builder = treeBuilder()
      const parser = createNarParser(builder.visitor)
      for (let offset = 0, turn = 0; offset < nar.length; turn++) {
        const end = offset + cuts[turn % cuts.length]!
        parser.write(nar.subarray(offset, end))
        offset = Math.min(end, nar.length)
        assert.equal(parser.size, offset)
      }
      parser.end()
      assert.deepEqual(JSON.parse(JSON.stringify(builder.tree())), JSON.parse(JSON.stringify(tree)))
    }),
  )
})

test('damaged bytes are refused, or are canonical themselves', () => {
  fc.assert(
    fc.property(
      arbitraryTree(),
      fc.nat(),
      fc.uint8Array({ maxLength: 9 }),
      fc.nat({ max: 24 }),
      (tree, at, garbage, removed) => {
        const nar = write(tree)
        const start = at % nar.length
        const damaged = Buffer.concat([nar.subarray(0, start), garbage, nar.subarray(start + removed)])
        const chunks: Buffer[] = []
        const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
        try {
          const parser = createNarParser(writer)
          parser.write(damaged)
          parser.end()
          writer.end()
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          return
        }
        assert.ok(Buffer.concat(chunks).equals(damaged))
      },
    ),
    { numRuns: 1000 },
  )
})

for (const length of [0, 1, 8, 50, 96, 111, 119]) {
  test(`an archive cut at ${length} bytes is refused`, () => {
    assert.throws(() => parse(Buffer.from(HI, 'hex').subarray(0, length)), /cut off/)
  })
}

const FILE = ['(', 'type', 'regular', 'contents', '', ')']
const entry = (name: string, node: readonly string[] = FILE) => ['entry', '(', 'name', name, 'node', ...node, ')']
const directory = (...entries: readonly (readonly string[])[]) => ['(', 'type', 'directory', ...entries.flat(), ')']

for (const [what, words, message] of [
  ['another magic', ['nix-archive-2'], /expected 'nix-archive-1'/],
  ['a tail', [...FILE, 'x'], /something follows/],
  ['a missing type', ['(', ')'], /expected 'type', found '\)'/],
  ['an unknown type', ['(', 'type', 'fifo'], /expected 'regular' or 'directory' or 'symlink', found 'fifo'/],
  ['a type named like a property', ['(', 'type', '__proto__'], /found '__proto__'/],
  ['a file without contents', ['(', 'type', 'regular', ')'], /expected 'contents' or 'executable'/],
  ['contents before executable', ['(', 'type', 'regular', 'contents', '', 'executable', '', ')'], /expected '\)'/],
  ['executable with a value', ['(', 'type', 'regular', 'executable', 'yes', 'contents', '', ')'], /expected ''/],
  ['an empty name', directory(entry('')), /illegal file name ''/],
  ['the name .', directory(entry('.')), /illegal file name '.'/],
  ['the name ..', directory(entry('..')), /illegal file name '..'/],
  ['a slash in a name', directory(entry('a/b')), /illegal file name 'a\/b'/],
  ['a NUL in a name', directory(entry('a\0b')), /illegal file name 'a\\x00b'/],
  ['a name of 256 bytes', directory(entry('n'.repeat(256))), /expected a file name, found a string of 256 bytes/],
  ['a name twice', directory(entry('a'), entry('a')), /'a' occurs twice/],
  ['names that are not sorted', directory(entry('b'), entry('a')), /'a' follows 'b'/],
  ['names sorted as UTF-16 only', directory(entry('\xff'), entry('a')), /not sorted/],
  ['a node before its name', directory(['entry', '(', 'node', ...FILE, 'name', 'a', ')']), /expected 'name'/],
  ['an entry without a node', directory(['entry', '(', 'name', 'a', ')']), /expected 'node'/],
  ['an empty target', ['(', 'type', 'symlink', 'target', '', ')'], /illegal symlink target ''/],
  ['a NUL in a target', ['(', 'type', 'symlink', 'target', 'a\0', ')'], /illegal symlink target/],
  ['a target of 4096 bytes', ['(', 'type', 'symlink', 'target', 't'.repeat(4096), ')'], /found a string of 4096 bytes/],
] as const) {
  test(`refuses ${what}`, () => {
    const bytes = tokens(...(words[0] === 'nix-archive-2' ? words : ['nix-archive-1', ...words]))
    assert.throws(
      () => parse(bytes),
      (error) => error instanceof UserError && message.test(error.message) && /offset \d+/.test(error.message),
    )
  })
}

test('refuses padding that is not zero, in names and in contents', () => {
  const nar = Buffer.from(HI, 'hex')
  for (const offset of [21, 98, 103]) {
    const damaged = Buffer.from(nar)
    damaged[offset] = 1
    assert.throws(() => parse(damaged), /padding is not zero/)
  }
})

test('declared sizes allocate nothing', () => {
  const head = tokens('nix-archive-1', '(', 'type', 'regular', 'contents')
  const size = (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(value)
    return Buffer.concat([head, bytes])
  }
  let announced = 0
  const parser = createNarParser({ ...ignore, startFile: (bytes) => (announced = bytes) })
  parser.write(size(2n ** 53n - 1n))
  assert.equal(announced, Number.MAX_SAFE_INTEGER)
  assert.throws(() => parser.end(), /cut off/)
  assert.throws(() => parse(size(2n ** 53n)), /2\^53/)
  assert.throws(() => parse(size(2n ** 64n - 1n)), /2\^53/)
  const name = Buffer.concat([
    tokens('nix-archive-1', '(', 'type', 'directory', 'entry', '(', 'name'),
    Buffer.alloc(8, 0xff),
  ])
  assert.throws(() => parse(name), /expected a file name/)
})

test('depth is bounded in both directions', () => {
  const nested = (depth: number) => [
    ...Array.from({ length: depth }, () => ['(', 'type', 'directory', 'entry', '(', 'name', 'd', 'node']).flat(),
    ...directory(),
    ...Array.from({ length: depth }, () => [')', ')']).flat(),
  ]
  parse(tokens('nix-archive-1', ...nested(MAX_NAR_DEPTH - 1)))
  assert.throws(() => parse(tokens('nix-archive-1', ...nested(MAX_NAR_DEPTH))), /nested more than/)
  const writer = createNarWriter(() => {})
  assert.throws(() => {
    for (let depth = 0; depth <= MAX_NAR_DEPTH; depth++) {
      writer.startDirectory()
      writer.entry('d')
    }
  }, UserError)
})

test('stops behind an archive inside another stream', () => {
  const nar = Buffer.from(HI, 'hex')
  const parser = createNarParser(ignore)
  assert.equal(parser.writeSome(nar.subarray(0, 10)), 10)
  assert.equal(parser.writeSome(Buffer.concat([nar.subarray(10), Buffer.from('more')])), nar.length - 10)
  assert.ok(parser.done)
  assert.equal(parser.writeSome(Buffer.from('more')), 0)
  parser.end()
})

test('the writer refuses contents of another size, and wrong names', () => {
  const short = createNarWriter(() => {})
  short.startFile(3, false)
  short.content(Buffer.from('ab'))
  assert.throws(() => short.endFile(), { code: 'NAR_INVALID', message: /1 bytes shorter/ })
  assert.throws(() => short.content(Buffer.from('cd')), { code: 'NAR_INVALID', message: /grew beyond/ })
  const names = createNarWriter(() => {})
  names.startDirectory()
  names.entry('b')
  names.symlink('x')
  assert.throws(() => names.entry('a'), UserError)
  assert.throws(() => names.entry('..'), UserError)
})

test('an impossible order is a plain error', () => {
  const writer = createNarWriter(() => {})
  assert.throws(
    () => writer.end(),
    (error) => !(error instanceof UserError),
  )
  assert.throws(
    () => writer.entry('a'),
    (error) => !(error instanceof UserError),
  )
  writer.symlink('x')
  assert.throws(
    () => writer.symlink('y'),
    (error) => !(error instanceof UserError),
  )
})

test('large contents are passed on without a copy', () => {
  const content = Buffer.alloc(100_000, 7)
  const seen: Uint8Array[] = []
  const writer = createNarWriter((chunk) => seen.push(chunk))
  writer.startFile(content.length, false)
  writer.content(content)
  writer.endFile()
  writer.end()
  assert.ok(seen.includes(content))
})

const ignore: NarVisitor = {
  startDirectory: () => {},
  entry: () => {},
  endDirectory: () => {},
  startFile: () => {},
  content: () => {},
  endFile: () => {},
  symlink: () => {},
}

function parse(bytes: Uint8Array): void {
  const parser = createNarParser(ignore)
  parser.write(bytes)
  parser.end()
}

function write(tree: Tree, chunkSize?: number): Buffer {
  const chunks: Buffer[] = []
  const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
  visitTree(tree, writer, chunkSize)
  writer.end()
  const nar = Buffer.concat(chunks)
  assert.equal(writer.size, nar.length)
  return nar
}

function tokens(...words: readonly string[]): Buffer {
  return Buffer.concat(
    words.map((word) => {
      const token = Buffer.alloc(8 + Math.ceil(word.length / 8) * 8)
      token.writeBigUInt64LE(BigInt(word.length))
      token.write(word, 8, 'latin1')
      return token
    }),
  )
}
