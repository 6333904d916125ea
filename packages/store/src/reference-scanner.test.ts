import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createReferenceScanner } from './reference-scanner.ts'

const digits = '0123456789abcdfghijklmnpqrsvwxyz'
const digest = fc.string({ unit: fc.constantFrom(...digits), minLength: 32, maxLength: 32 })

/** What the scanner must find, the slow way. */
function everyMatch(text: string, digests: readonly string[]): string[] {
  const found: string[] = []
  for (const [index, candidate] of digests.entries()) {
    for (let at = text.indexOf(candidate); at >= 0; at = text.indexOf(candidate, at + 1)) found.push(`${index}@${at}`)
  }
  return found.sort()
}

function scan(chunks: readonly string[], digests: readonly string[]): string[] {
  const found: string[] = []
  const scanner = createReferenceScanner(digests, (candidate, offset) => found.push(`${candidate}@${offset}`))
  scanner.begin()
  for (const chunk of chunks) scanner.write(Buffer.from(chunk, 'latin1'))
  return found.sort()
}

test('finds each place once, however the bytes are cut into chunks', () => {
  const piece = (digests: string[]) =>
    fc.oneof(
      fc.constantFrom(...digests),
      fc.constantFrom(...digests).map((text) => text.slice(0, 31)),
      fc.string({ unit: fc.constantFrom(...digits), maxLength: 50 }),
      fc.constantFrom('', '/', 'e', '-hello\0', '\xff'.repeat(40)),
    )
  const cases = fc.uniqueArray(digest, { minLength: 1, maxLength: 5 }).chain((digests) =>
    fc.record({
      digests: fc.constant(digests),
      pieces: fc.array(piece(digests), { maxLength: 12 }),
      cuts: fc.array(fc.nat(200), { maxLength: 8 }),
    }),
  )
  fc.assert(
    fc.property(cases, ({ digests, pieces, cuts }) => {
      const text = pieces.join('')
      const bounds = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length].sort((a, b) => a - b)
      const chunks = bounds.slice(1).map((end, index) => text.slice(bounds[index], end))
      assert.deepEqual(scan(chunks, digests), everyMatch(text, digests))
    }),
    { numRuns: 500 },
  )
})

test('finds overlapping places of a digest of one repeated digit', () => {
  const candidate = 'a'.repeat(32)
  assert.deepEqual(scan([candidate, 'aa'], [candidate]), ['0@0', '0@1', '0@2'])
})

test('items are apart from each other', () => {
  const candidate = digits
  const found: number[] = []
  const scanner = createReferenceScanner([candidate], (_, offset) => found.push(offset))
  scanner.begin()
  scanner.write(Buffer.from(candidate.slice(0, 16)))
  scanner.begin()
  scanner.write(Buffer.from(candidate.slice(16)))
  assert.deepEqual(found, [])
})

test('refuses what is no digest', () => {
  for (const text of ['', 'e'.repeat(32), 'a'.repeat(31)]) {
    assert.throws(() => createReferenceScanner([text], () => undefined), { code: 'STORE_PATH_INVALID' })
  }
})
