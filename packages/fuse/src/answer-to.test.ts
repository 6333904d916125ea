/** Answers as linux/fuse.h lays them out, by hand, to requests for a file system of two files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerTo } from './answer-to.ts'
import { type FileSystem, FileSystemError, type Node } from './file-system.ts'
import { formatNewEpoch } from './notification.ts'
import type { Operation, Request } from './request.ts'

const directory: Node = {
  id: 1,
  mode: 0o40755,
  size: 4096,
  links: 2,
  uid: 0,
  gid: 0,
  device: 0,
  time: 1,
  nanoseconds: 0,
}
const file: Node = {
  id: 2 ** 32 + 5,
  mode: 0o100644,
  size: 5000,
  links: 2,
  uid: 1000,
  gid: 100,
  device: 0,
  time: -1,
  nanoseconds: 9,
}
const contents = Buffer.from('contents')
const list = [
  { name: 'a', node: file },
  { name: 'long name', node: directory },
]

const fileSystem: FileSystem = {
  lookup: (_, name) => list.find((one) => one.name === name)?.node,
  node: (id) => {
    if (id !== 1 && id !== file.id) throw new FileSystemError('ESTALE')
    return id === 1 ? directory : file
  },
  readLink: () => 'tärget',
  read: (_, offset, target) => contents.copy(target, 0, offset),
  list: () => list,
  xattr: (_, name) => (name === 'user.a' ? 'value' : undefined),
  xattrNames: () => ['user.a', 'user.b'],
  statistics: () => ({ blockSize: 4096, blocks: 3, files: 2 }),
}
const options = { timeouts: { entry: 86400, directory: 60 }, withoutOpen: true, withoutOpenDirectory: true }

function ask(operation: Operation, node = 1, asked = options): string | undefined {
  return answerTo(fileSystem, { unique: 6, node, ...operation } as Request, asked)?.toString('hex')
}

/** Length, error, unique 6, and the body. */
function answer(error: number, ...body: readonly string[]): string {
  const rest = Buffer.from(body.join('').replaceAll(' ', ''), 'hex')
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + rest.length, 0)
  header.writeInt32LE(-error, 4)
  header.writeUInt32LE(6, 8)
  return Buffer.concat([header, rest]).toString('hex')
}

const ZERO = '0000000000000000'
const fileAttributes =
  // ino, size, blocks; atime, mtime, ctime; their nanoseconds; mode, nlink, uid, gid, rdev, blksize, flags
  '0500000001000000 8813000000000000 0a00000000000000' +
  'ffffffffffffffff'.repeat(3) +
  '09000000'.repeat(3) +
  'a4810000 02000000 e8030000 64000000 00000000 00100000 00000000'
const directoryAttributes =
  '0100000000000000 0010000000000000 0800000000000000' +
  '0100000000000000'.repeat(3) +
  '00000000'.repeat(3) +
  'ed410000 02000000 00000000 00000000 00000000 00100000 00000000'
const DAY = '8051010000000000'
const MINUTE = '3c00000000000000'
// nodeid, generation, entry_valid, attr_valid, their nanoseconds
const fileEntry = `0500000001000000 ${ZERO} ${DAY} ${DAY} 00000000 00000000 ${fileAttributes}`
const directoryEntry = `0100000000000000 ${ZERO} ${DAY} ${MINUTE} 00000000 00000000 ${directoryAttributes}`

const table: readonly [what: string, operation: Operation, expected: string | undefined, node?: number][] = [
  ['a file', { kind: 'lookup', name: 'a' }, answer(0, fileEntry)],
  ['nothing, for a day', { kind: 'lookup', name: 'b' }, answer(0, ZERO, ZERO, DAY, ZERO, ZERO, '00'.repeat(88))],
  ['attributes', { kind: 'attributes' }, answer(0, MINUTE, '00000000 00000000', directoryAttributes)],
  ['attributes of nothing', { kind: 'attributes' }, answer(116), 77],
  ['a link', { kind: 'read-link' }, answer(0, '74e472676574')],
  ['no opening', { kind: 'open', flags: 0 }, answer(38)],
  ['no opening of directories', { kind: 'open-directory' }, answer(38)],
  ['contents', { kind: 'read', offset: 2, size: 3 }, answer(0, '6e7465')],
  ['contents at the end', { kind: 'read', offset: 6, size: 4096 }, answer(0, '7473')],
  ['an attribute', { kind: 'xattr', name: 'user.a', size: 5 }, answer(0, '76616c7565')],
  ['its size', { kind: 'xattr', name: 'user.a', size: 0 }, answer(0, '05000000 00000000')],
  ['no room for it', { kind: 'xattr', name: 'user.a', size: 4 }, answer(34)],
  ['no such attribute', { kind: 'xattr', name: 'user.c', size: 4 }, answer(61)],
  ['their names', { kind: 'xattr-names', size: 14 }, answer(0, '757365722e6100757365722e6200')],
  [
    'counters',
    { kind: 'statistics' },
    answer(
      0,
      '0300000000000000',
      ZERO,
      ZERO,
      '0200000000000000',
      ZERO,
      '00100000 ff000000 00100000 00000000',
      '00'.repeat(24),
    ),
  ],
  // ino, off, namelen, type, name, up to a multiple of eight
  [
    'a list from its third entry on',
    { kind: 'list', withNodes: false, offset: 2, size: 64 },
    answer(0, '0500000001000000 0300000000000000 01000000 08000000 6100000000000000'),
  ],
  [
    'a list with nodes',
    { kind: 'list', withNodes: true, offset: 3, size: 4096 },
    answer(0, directoryEntry, '0100000000000000 0400000000000000 09000000 04000000 6c6f6e67206e616d65 00000000000000'),
  ],
  [
    'dots, which are no nodes to remember',
    { kind: 'list', withNodes: true, offset: 1, size: 160 },
    answer(0, '00'.repeat(128), '0100000000000000 0200000000000000 02000000 04000000 2e2e000000000000'),
  ],
  ['no room for an entry', { kind: 'list', withNodes: true, offset: 0, size: 159 }, answer(0)],
  ['behind the last entry', { kind: 'list', withNodes: false, offset: 4, size: 4096 }, answer(0)],
  ['forgetting', { kind: 'forget', forgotten: [] }, undefined],
  ['closing', { kind: 'release' }, answer(0)],
  ['what is not known', { kind: 'other', opcode: 99 }, answer(38)],
]

for (const [what, operation, expected, node] of table) {
  test(what, () => assert.equal(ask(operation, node), expected))
}

test('kernels that want to open are let, but not to write', () => {
  const asked = { ...options, withoutOpen: false, withoutOpenDirectory: false }
  assert.equal(ask({ kind: 'open', flags: 0 }, 1, asked), answer(0, ZERO, '02000000 00000000'))
  assert.equal(ask({ kind: 'open', flags: 1 }, 1, asked), answer(30))
  assert.equal(ask({ kind: 'open-directory' }, 1, asked), answer(0, ZERO, '0a000000 00000000'))
})

test('the new epoch of names', () => {
  assert.equal(formatNewEpoch().toString('hex'), '10000000 08000000 0000000000000000'.replaceAll(' ', ''))
})

test('pages of any size give each entry of a directory once', () => {
  const name = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    minLength: 1,
    maxLength: 255,
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 30 }),
      fc.integer({ min: 440, max: 3000 }),
      fc.boolean(),
      (names, size, withNodes) => {
        const many = { ...fileSystem, list: () => entries }
        const entries = names.map((one) => ({ name: one, node: file }))
        const found: string[] = []
        for (let offset = 0; ; ) {
          const bytes = answerTo(many, { unique: 1, node: 1, kind: 'list', withNodes, offset, size }, options)!
          assert.ok(bytes.length <= 16 + size)
          if (bytes.length === 16) break
          for (let at = 16; at < bytes.length; ) {
            const entry = at + (withNodes ? 128 : 0)
            const length = bytes.readUInt32LE(entry + 16)
            found.push(bytes.toString('latin1', entry + 24, entry + 24 + length))
            offset = bytes.readUInt32LE(entry + 8)
            at = entry + ((24 + length + 7) & ~7)
          }
        }
        assert.deepEqual(found, ['.', '..', ...names])
      },
    ),
  )
})
