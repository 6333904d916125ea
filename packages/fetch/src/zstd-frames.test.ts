import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitFrames } from './zstd-frames.ts'

/** What the real program makes of texts of many kinds, one frame each. */
function frames(): Buffer[] {
  const inputs = ['', 'a', 'hello', 'x'.repeat(300_000), Array.from({ length: 4000 }, (_, n) => n * n).join(' ')]
  const packed = inputs.flatMap((input) =>
    [['-1'], ['-19', '--no-check'], ['-12'], ['-3', '--no-content-size']].map((words) =>
      execFileSync('zstd', ['-c', ...words], { input, maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'ignore'] }),
    ),
  )
  const skippable = Buffer.from('552a4d1803000000aabbcc', 'hex')
  return [...packed, skippable, Buffer.from('502a4d1800000000', 'hex')]
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

test('frames end where the real program ended them, however the pieces are cut', async () => {
  const all = frames()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(all.length - 1), { maxLength: 6 }),
      fc.constantFrom(1, 3, 7, 64, 4096, 1 << 20),
      async (chosen, size) => {
        const stream = chosen.map((index) => all[index]!)
        const ends = new Set<number>()
        let end = 0
        for (const frame of stream) ends.add((end += frame.length))
        let position = 0
        const output: Buffer[] = []
        for await (const piece of splitFrames(pieces(Buffer.concat(stream), size))) {
          const next = position + piece.length
          assert.ok(![...ends].some((one) => one > position && one < next), `${position} to ${next} spans an end`)
          // A piece is cut only at an end, or where the source cut it.
          assert.ok(ends.has(next) || next % size === 0 || next === end)
          position = next
          output.push(Buffer.from(piece))
        }
        assert.ok(Buffer.concat(output).equals(Buffer.concat(stream)))
      },
    ),
    { numRuns: 60 },
  )
})

test('any bytes come through as they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), async (bytes, size) => {
      const input = Buffer.concat([Buffer.from('28b52ffd', 'hex'), bytes])
      const output: Buffer[] = []
      for await (const piece of splitFrames(pieces(input, size))) output.push(Buffer.from(piece))
      assert.ok(Buffer.concat(output).equals(input))
    }),
  )
})
