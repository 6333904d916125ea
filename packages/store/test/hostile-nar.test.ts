/** NARs that nobody who means well writes: nothing may appear outside of where one is restored, and memory stays small. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createNarParser, UserError } from '@baryon/format'
import { removeTree, restoreNar } from '@baryon/store'
import { temporaryDirectory } from '@baryon/testing'
import * as fc from 'fast-check'

type Node =
  | { readonly type: 'regular'; readonly contents: string; readonly declared?: bigint | undefined }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'directory'; readonly entries: readonly (readonly [name: string, node: Node])[] }

const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'A', 'link', '\u00e9', 'e\u0301') },
  fc.constantFrom('', '.', '..', '/', 'a/b', '../sentinel', '/etc/passwd', 'a\0b', 'x'.repeat(256)),
)
const size = fc.option(fc.constantFrom(0n, 1n, 2n ** 20n, 2n ** 40n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n), {
  nil: undefined,
  freq: 8,
})
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.record({
      type: fc.constant('regular' as const),
      contents: fc.constantFrom('', 'evil', 'x'.repeat(9)),
      declared: size,
    }),
    fc.record({
      type: fc.constant('symlink' as const),
      target: fc.constantFrom('..', '../..', '/', 'a', '', '\0', 'x'.repeat(5000)),
    }),
    fc.record({
      type: fc.constant('directory' as const),
      entries: fc.array(fc.tuple(name, tie('node')), { maxLength: 4 }),
    }),
  ),
}))
// Sorted entries get further than random ones.
const archive = fc.tuple(node, fc.boolean()).map(([tree, sort]) => nar(sort ? sorted(tree) : tree))

test('nothing leaves the place where a NAR is restored', (t) => {
  const top = temporaryDirectory(t)
  writeFileSync(join(top, 'sentinel'), 'untouched')
  mkdirSync(join(top, 'inner'))
  writeFileSync(join(top, 'inner/sentinel'), 'untouched')
  const place = join(top, 'inner/place')
  let restored = 0
  fc.assert(
    fc.property(archive, (bytes) => {
      try {
        restoreNar(place, [bytes])
        restored++
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        assert.equal(existsSync(place), false, 'a part was left')
      }
      removeTree(place)
      assert.deepEqual(readdirSync(top).sort(), ['inner', 'sentinel'])
      assert.deepEqual(readdirSync(join(top, 'inner')), ['sentinel'])
      for (const path of ['sentinel', 'inner/sentinel'])
        assert.equal(readFileSync(join(top, path), 'utf8'), 'untouched')
    }),
    { numRuns: 1000 },
  )
  assert.ok(restored > 0, 'no archive was whole')
})

test('a link and a file of one name, the file below the link, are refused', (t) => {
  const top = temporaryDirectory(t)
  const link: Node = { type: 'symlink', target: '..' }
  const file: Node = { type: 'regular', contents: 'evil' }
  for (const entries of [
    [
      ['a', link],
      ['a', file],
    ],
    [
      ['a', link],
      ['a/b', file],
    ],
    [
      ['a', link],
      ['a', { type: 'directory', entries: [['sentinel', file]] }],
    ],
  ] as const) {
    assert.throws(() => restoreNar(join(top, 'place'), [nar({ type: 'directory', entries })]), { code: 'NAR_INVALID' })
    assert.deepEqual(readdirSync(top), [])
  }
})

test('sizes and counts that are declared cost nothing', (t) => {
  const top = temporaryDirectory(t)
  const before = process.memoryUsage.rss()
  for (const declared of [2n ** 33n, 2n ** 52n, 2n ** 62n]) {
    const bytes = nar({ type: 'regular', contents: 'x', declared })
    assert.throws(() => restoreNar(join(top, 'place'), [bytes]), { code: 'NAR_INVALID' })
  }
  const deep = words('(', 'type', 'directory', 'entry', '(', 'name', 'a', 'node').repeat(100_000)
  assert.throws(() => parse(Buffer.from(words('nix-archive-1') + deep, 'latin1')), { code: 'NAR_INVALID' })
  assert.ok(process.memoryUsage.rss() - before < 200 << 20)
  assert.deepEqual(readdirSync(top), [])
})

/** Without writing anything: a file system has other limits. */
function parse(bytes: Buffer): void {
  const ignore = () => undefined
  const events = { startDirectory: ignore, entry: ignore, endDirectory: ignore, symlink: ignore }
  createNarParser({ ...events, startFile: ignore, content: ignore, endFile: ignore }).write(bytes)
}

function sorted(tree: Node): Node {
  if (tree.type !== 'directory') return tree
  const entries = tree.entries.map(([key, child]) => [key, sorted(child)] as const)
  return { ...tree, entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)) }
}

function nar(tree: Node): Buffer {
  return Buffer.from(words('nix-archive-1') + narNode(tree), 'latin1')
}

function narNode(tree: Node): string {
  switch (tree.type) {
    case 'regular':
      return `${words('(', 'type', 'regular', 'contents')}${narString(tree.contents, tree.declared)}${words(')')}`
    case 'symlink':
      return words('(', 'type', 'symlink', 'target', tree.target, ')')
    case 'directory': {
      const entries = tree.entries.map(
        ([key, child]) => `${words('entry', '(', 'name', key, 'node')}${narNode(child)}${words(')')}`,
      )
      return `${words('(', 'type', 'directory')}${entries.join('')}${words(')')}`
    }
  }
}

function words(...texts: readonly string[]): string {
  return texts.map((text) => narString(text)).join('')
}

function narString(text: string, declared = BigInt(Buffer.byteLength(text))): string {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(declared)
  const bytes = Buffer.from(text).toString('latin1')
  return length.toString('latin1') + bytes + '\0'.repeat(-bytes.length & 7)
}
