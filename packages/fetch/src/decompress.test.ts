import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { UserError } from '@baryon/format'
import fc from 'fast-check'

import { has, temporaryDirectory } from '../test/scene.ts'
import { decompress, detectCompression } from './decompress.ts'

const programs = [
  { compression: 'gzip', program: 'gzip', options: [['-1'], ['-9']] },
  { compression: 'bzip2', program: 'bzip2', options: [['-1'], ['-9']] },
  {
    compression: 'xz',
    program: 'xz',
    options: [
      ['-0'],
      ['-6'],
      ['-9e'],
      ['-C', 'crc32'],
      ['-C', 'none'],
      ['-C', 'sha256'],
      ['-C', 'sha256', '--block-size=65536'],
      ['--block-size=65536'],
    ],
  },
  { compression: 'zstd', program: 'zstd', options: [['-1'], ['-19'], ['--no-check']] },
] as const

const inputs = {
  empty: Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  text: Buffer.from('The quick brown fox jumps over the lazy dog.\n'.repeat(20_000)),
  random: randomBytes(300_000),
  'long runs': Buffer.concat([
    Buffer.alloc(1_500_000, 'a'),
    Buffer.alloc(259, 'b'),
    Buffer.alloc(4, 'c'),
    Buffer.alloc(5, 'd'),
  ]),
  mixed: mixed(1_200_000),
}

for (const { compression, program, options } of programs) {
  describe(compression, () => {
    for (const option of options) {
      test(`decodes what ${program} ${option.join(' ')} makes`, async (context) => {
        if (!has(context, program)) return
        for (const [name, input] of Object.entries(inputs)) {
          const packed = execFileSync(program, ['-c', ...option], { input, maxBuffer: 1 << 28, stdio: 'pipe' })
          assert.equal(detectCompression(packed), compression)
          for (const size of [packed.length || 1, 7919]) {
            assert.deepEqual(await collect(decompress(pieces(packed, size), compression)), input, name)
          }
        }
      })
    }

    test('decodes concatenated streams', async (context) => {
      if (!has(context, program)) return
      const packed = execFileSync(program, ['-c'], { input: inputs.text })
      const twice = await collect(decompress(pieces(Buffer.concat([packed, packed]), 1000), compression))
      assert.deepEqual(twice, Buffer.concat([inputs.text, inputs.text]))
    })

    test('refuses truncated and changed input', async (context) => {
      if (!has(context, program)) return
      const packed = execFileSync(program, ['-c'], { input: inputs.mixed, maxBuffer: 1 << 28 })
      for (const length of [0, 1, 5, 20, packed.length >> 1, packed.length - 1]) {
        await assert.rejects(
          collect(decompress(pieces(packed.subarray(0, length), 65536), compression)),
          isCorrupt,
          `${length}`,
        )
      }
      for (const at of [packed.length >> 2, packed.length >> 1]) {
        const changed = Buffer.from(packed)
        changed[at]! ^= 0x10
        await assert.rejects(collect(decompress(pieces(changed, 65536), compression)), isCorrupt, `changed at ${at}`)
      }
    })

    test('throws nothing but UserError at garbage', async () => {
      const magic = {
        gzip: '1f8b0800000000000003',
        bzip2: '425a6839314159265359',
        xz: 'fd377a585a000004e6d6b446',
        zstd: '28b52ffd',
      }
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (tail, withMagic) => {
          const input = withMagic ? Buffer.concat([Buffer.from(magic[compression], 'hex'), tail]) : Buffer.from(tail)
          try {
            await collect(decompress(pieces(input, 64), compression))
          } catch (error) {
            if (!(error instanceof UserError)) throw error
          }
        }),
        { numRuns: 150 },
      )
    })
  })
}

test('xz: padding between streams is allowed, other filters are refused by name', async (context) => {
  if (!has(context, 'xz')) return
  const packed = execFileSync('xz', ['-c'], { input: 'hello' })
  const padded = Buffer.concat([packed, Buffer.alloc(8), packed, Buffer.alloc(4)])
  assert.equal((await collect(decompress(pieces(padded, 10), 'xz'))).toString(), 'hellohello')
  const filtered = execFileSync('xz', ['-c', '--x86', '--lzma2'], { input: 'hello' })
  await assert.rejects(
    collect(decompress(pieces(filtered, 10), 'xz')),
    (error) => error instanceof UserError && error.code === 'ARCHIVE_UNSUPPORTED',
  )
})

test('xz: SHA-256 checks are made', async (context) => {
  if (!has(context, 'xz')) return
  const input = inputs.random.subarray(0, 3000)
  const packed = execFileSync('xz', ['-c', '-C', 'sha256', '--block-size=1000'], { input })
  const padded = Buffer.concat([packed, Buffer.alloc(4), packed])
  assert.deepEqual(await collect(decompress(pieces(padded, 7), 'xz')), Buffer.concat([input, input]))
  for (let at = 0; at < packed.length; at += 13) {
    const changed = Buffer.from(packed)
    changed[at]! ^= 0x10
    await assert.rejects(collect(decompress(pieces(changed, 65536), 'xz')), UserError, `changed at ${at}`)
    await assert.rejects(collect(decompress(pieces(packed.subarray(0, at), 65536), 'xz')), isCorrupt, `cut at ${at}`)
  }
})

test('several streams can be decoded at the same time', async (context) => {
  if (!has(context, 'xz')) return
  const packed = execFileSync('xz', ['-c'], { input: inputs.mixed, maxBuffer: 1 << 28 })
  const results = await Promise.all([1, 2, 3].map(() => collect(decompress(pieces(packed, 5000), 'xz'))))
  for (const result of results) assert.deepEqual(result, inputs.mixed)
  // A reader that stops early leaves nothing behind that would stop the next one.
  for await (const _ of decompress(pieces(packed, 5000), 'xz')) break
  assert.deepEqual(await collect(decompress(pieces(packed, 5000), 'xz')), inputs.mixed)
})

test('bzip2: agrees with the program on any input', async (context) => {
  if (!has(context, 'bzip2')) return
  const directory = temporaryDirectory(context)
  const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 600 })), {
    maxLength: 200,
  })
  await fc.assert(
    fc.asyncProperty(runs, async (parts) => {
      const input = Buffer.concat(parts.map(([byte, count]) => Buffer.alloc(count, byte)))
      const file = join(directory, 'input')
      writeFileSync(file, input)
      const packed = execFileSync('bzip2', ['-c', file])
      assert.deepEqual(await collect(decompress(pieces(packed, 1000), 'bzip2')), input)
    }),
    { numRuns: 40 },
  )
})

function isCorrupt(error: unknown): boolean {
  return error instanceof UserError && error.code === 'ARCHIVE_CORRUPT'
}

async function* pieces(input: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Words in changing order, so that every part of the decoders has work. */
function mixed(size: number): Buffer {
  const words = Array.from({ length: 500 }, () =>
    randomBytes(6)
      .toString('hex')
      .slice(0, 2 + Math.floor(Math.random() * 10)),
  )
  let text = ''
  while (text.length < size) text += `${words[Math.floor(Math.random() * words.length)]} `
  return Buffer.from(text)
}
