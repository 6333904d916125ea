/** Requests as linux/fuse.h lays them out, by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { type Operation, parseRequest } from './request.ts'

/** Length, operation, unique 6, node 0x10000002a, uid 1000, gid 100, pid 7, no extensions; then the body. */
function request(opcode: number, ...body: readonly string[]): Buffer {
  const rest = Buffer.from(body.join('').replaceAll(' ', ''), 'hex')
  const header = Buffer.from(
    '00000000 00000000 0600000000000000 2a00000001000000 e8030000 64000000 07000000 00000000'.replaceAll(' ', ''),
    'hex',
  )
  header.writeUInt32LE(header.length + rest.length, 0)
  header.writeUInt32LE(opcode, 4)
  return Buffer.concat([header, rest])
}

const ZERO = '0000000000000000'
const table: readonly [opcode: number, body: readonly string[], operation: Operation][] = [
  [1, ['6c696200'], { kind: 'lookup', name: 'lib' }],
  [1, ['c3bcff00'], { kind: 'lookup', name: '\u00c3\u00bc\u00ff' }],
  [2, ['0300000000000000'], { kind: 'forget', forgotten: [{ node: 0x10000002a, count: 3 }] }],
  [3, ['00000000 00000000', ZERO], { kind: 'attributes' }],
  [5, [], { kind: 'read-link' }],
  [14, ['01800000 00000000'], { kind: 'open', flags: 0o100001 }],
  // fh, offset 0x200000000, size 128 KiB, read_flags, lock_owner, flags, padding
  [
    15,
    [ZERO, '0000000002000000', '00000200', '00000000', ZERO, '00000000 00000000'],
    { kind: 'read', offset: 2 ** 33, size: 131072 },
  ],
  [17, [], { kind: 'statistics' }],
  [18, [ZERO, '00000000 00000000', ZERO], { kind: 'release' }],
  [22, ['40000000 00000000', '757365722e6100'], { kind: 'xattr', name: 'user.a', size: 64 }],
  [23, ['00000000 00000000'], { kind: 'xattr-names', size: 0 }],
  [25, [ZERO, '00000000 00000000', ZERO], { kind: 'flush' }],
  // 7.45, read ahead 128 KiB, flags, flags2, 11 words that are not used
  [
    26,
    ['07000000 2d000000 00000200 fbffff73', '00000000'.repeat(12)],
    { kind: 'init', major: 7, minor: 45, readAhead: 131072, flags: 0x73fffffb },
  ],
  // What Linux 2.6 sends.
  [26, ['07000000 08000000 00000200 00000000'], { kind: 'init', major: 7, minor: 8, readAhead: 131072, flags: 0 }],
  [27, ['00000000 00000000'], { kind: 'open-directory' }],
  [
    28,
    [ZERO, '0500000000000000', '00100000', '00000000', ZERO, '00000000 00000000'],
    { kind: 'list', withNodes: false, offset: 5, size: 4096 },
  ],
  [
    44,
    [ZERO, ZERO, '00100000', '00000000', ZERO, '00000000 00000000'],
    { kind: 'list', withNodes: true, offset: 0, size: 4096 },
  ],
  [29, [ZERO, '00000000 00000000', ZERO], { kind: 'release-directory' }],
  [36, ['0400000000000000'], { kind: 'interrupt', interrupted: 4 }],
  [38, [], { kind: 'destroy' }],
  [
    42,
    ['02000000 00000000', '0100000000000000 0200000000000000', '0900000000000000 0100000000000000'],
    {
      kind: 'forget',
      forgotten: [
        { node: 1, count: 2 },
        { node: 9, count: 1 },
      ],
    },
  ],
  [9, ['ed010000 12000000', '6100'], { kind: 'other', opcode: 9 }],
]

for (const [opcode, body, operation] of table) {
  test(`operation ${opcode}: ${operation.kind}`, () => {
    assert.deepEqual(parseRequest(request(opcode, ...body)), { unique: 6, node: 0x10000002a, ...operation })
  })
}

test('what is no request has a code', () => {
  const whole = request(15, ZERO, ZERO, '00100000')
  const cases = [
    Buffer.alloc(0),
    whole.subarray(0, 39),
    whole.subarray(0, whole.length - 1),
    request(1, '6c6962'),
    request(1),
    request(15, ZERO),
    request(42, 'ffffffff 00000000', ZERO, ZERO),
    // An offset of 2^63.
    request(15, ZERO, '0000000000000080', '00100000'),
  ]
  for (const bytes of cases) assert.throws(() => parseRequest(bytes), { code: 'FUSE_REQUEST' })
})

test('any bytes are a request or an error with a code', () => {
  const known = [1, 2, 3, 5, 14, 15, 17, 18, 22, 23, 25, 26, 27, 28, 29, 36, 38, 42, 44]
  fc.assert(
    fc.property(
      fc.constantFrom(...known),
      fc.uint8Array({ maxLength: 120 }),
      fc.boolean(),
      (opcode, bytes, isFramed) => {
        const buffer = isFramed ? request(opcode, Buffer.from(bytes).toString('hex')) : Buffer.from(bytes)
        try {
          parseRequest(buffer)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
        }
      },
    ),
    { numRuns: 2000 },
  )
})
