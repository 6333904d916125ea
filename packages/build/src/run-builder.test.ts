import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLineSplitter } from './run-builder.ts'

function split(chunks: readonly Uint8Array[]): { lines: string[]; phases: string[]; tail: readonly string[] } {
  const lines: string[] = []
  const phases: string[] = []
  const splitter = createLineSplitter(
    (more) => lines.push(...more),
    (phase) => phases.push(phase),
  )
  for (const chunk of chunks) splitter.write(Buffer.from(chunk))
  return { lines, phases, tail: splitter.end() }
}

test('lines do not depend on how the bytes come', () => {
  const text = fc.array(fc.constantFrom('a', '\n', '\r\n', 'ä', '…', '@nix {"action":"setPhase","phase":"x"}', ' '), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (parts, sizes) => {
      const bytes = Buffer.from(parts.join(''))
      const chunks: Buffer[] = []
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const size = sizes[index % sizes.length]!
        chunks.push(bytes.subarray(at, at + size))
        at += size
      }
      assert.deepEqual(split(chunks), split([bytes]))
    }),
  )
})

test('phases are taken out, broken messages dropped, the tail is short', () => {
  const text = '@nix {"action":"setPhase","phase":"build"}\n@nix {\n@nix {"action":1}\nhello\n'
  assert.deepEqual(split([Buffer.from(text)]), { lines: ['hello'], phases: ['build'], tail: ['hello'] })
  const many = split([Buffer.from(Array.from({ length: 100 }, (_, index) => `${index}\n`).join(''))])
  assert.deepEqual([many.lines.length, many.tail.length, many.tail.at(-1)], [100, 25, '99'])
  const endless = split(Array.from({ length: 100 }, () => Buffer.alloc(10_000, 'x')))
  assert.ok(endless.lines.length > 10)
  assert.equal(endless.lines.join('').length, 1_000_000)
})
