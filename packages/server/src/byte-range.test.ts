import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatContentRange, parseRange } from './byte-range.ts'

// The examples of RFC 9110, section 14, and what lies around them; the body has 10,000 bytes.
const cases: readonly (readonly [string | undefined, ReturnType<typeof parseRange>])[] = [
  [undefined, undefined],
  ['bytes=0-499', { start: 0, end: 500 }],
  ['bytes=500-999', { start: 500, end: 1000 }],
  ['bytes=-500', { start: 9500, end: 10000 }],
  ['bytes=9500-', { start: 9500, end: 10000 }],
  ['bytes=0-0', { start: 0, end: 1 }],
  ['bytes=9999-20000', { start: 9999, end: 10000 }],
  ['bytes=-20000', { start: 0, end: 10000 }],
  ['bytes=10000-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=500-499', undefined],
  ['bytes=0-0,-1', undefined],
  ['bytes=-', undefined],
  ['lines=1-2', undefined],
  ['bytes=a-b', undefined],
  ['bytes=99999999999999999999-', undefined],
]

for (const [header, expected] of cases) {
  test(`Range: ${header}`, () => assert.deepEqual(parseRange(header, 10_000), expected))
}

test('Content-Range', () => {
  assert.equal(formatContentRange({ start: 500, end: 1000 }, 10_000), 'bytes 500-999/10000')
  assert.equal(formatContentRange(undefined, 10_000), 'bytes */10000')
})
