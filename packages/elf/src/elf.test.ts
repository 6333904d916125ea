import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { buildElf, type ElfSample } from '../test/elf-file.ts'
import { interpreterCapacity, runPathCapacity, setInterpreter, setRunPath } from './edit-elf.ts'
import { isElf, parseElf } from './parse-elf.ts'

const [NEEDED, SONAME, RPATH, RUNPATH] = [1, 14, 15, 29]
const ENTRIES: ElfSample['entries'] = [
  [NEEDED, 'libz.so.1'],
  [RUNPATH, '/store/aaaa/lib:/store/bbbb/lib'],
  [NEEDED, 'libc.so.6'],
  [SONAME, 'libx.so'],
]
const sample = (bits: 32 | 64, more: Partial<ElfSample> = {}): Buffer =>
  buildElf({ bits, interpreter: '/lib64/ld-linux-x86-64.so.2', entries: ENTRIES, ...more })

for (const bits of [32, 64] as const) {
  test(`reads ${bits} bits`, () => {
    assert.deepEqual(parseElf(sample(bits)), {
      bits,
      type: 'shared',
      machine: bits === 64 ? 'x86_64' : 'i686',
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      dynamic: true,
      soname: 'libx.so',
      needed: ['libz.so.1', 'libc.so.6'],
      runPath: '/store/aaaa/lib:/store/bbbb/lib',
      hasDebugInformation: false,
      hasSymbolTable: false,
    })
  })

  test(`edits ${bits} bits in place, back and forth`, () => {
    const bytes = sample(bits)
    const before = parseElf(bytes)
    assert.equal(interpreterCapacity(bytes), 27)
    assert.equal(runPathCapacity(bytes), 31)
    setInterpreter(bytes, '/s/ld.so')
    setRunPath(bytes, '$ORIGIN/../lib')
    assert.deepEqual(parseElf(bytes), { ...before, interpreter: '/s/ld.so', runPath: '$ORIGIN/../lib' })
    assert.ok(!bytes.includes('aaaa') && !bytes.includes('bbbb') && !bytes.includes('linux'))
    assert.equal(runPathCapacity(bytes), 31)
    setInterpreter(bytes, before.interpreter!)
    setRunPath(bytes, before.runPath!)
    assert.ok(bytes.equals(sample(bits)))
  })

  test(`removes the run path of ${bits} bits`, () => {
    const bytes = sample(bits)
    const { runPath, ...rest } = parseElf(bytes)
    setRunPath(bytes, '')
    assert.deepEqual(parseElf(bytes), rest)
    assert.ok(!bytes.includes(runPath!.slice(0, 8)))
    assert.equal(runPathCapacity(bytes), undefined)
    setRunPath(bytes, '')
  })
}

test('uses room that was reserved, and no more', () => {
  const bytes = sample(64, { entries: [...ENTRIES.filter(([tag]) => tag !== RUNPATH), [RUNPATH, '/a']], reserve: 10 })
  assert.equal(runPathCapacity(bytes), 12)
  setRunPath(bytes, '/abcdefghijk')
  assert.equal(parseElf(bytes).runPath, '/abcdefghijk')
  assert.throws(() => setRunPath(bytes, '/abcdefghijkl'), {
    code: 'ELF_DOES_NOT_FIT',
    message: /13 bytes, .* room for 12/,
  })
})

test('DT_RPATH is edited when it is the only one', () => {
  const bytes = sample(64, { entries: [[RPATH, '/old']] })
  setRunPath(bytes, '/new')
  assert.equal(parseElf(bytes).rpath, '/new')
  const both = sample(64, {
    entries: [
      [RPATH, '/old'],
      [RUNPATH, '/run'],
    ],
  })
  setRunPath(both, '/new')
  assert.deepEqual([parseElf(both).rpath, parseElf(both).runPath], ['/old', '/new'])
})

test('a string that ends the run path and is used otherwise is not overwritten', () => {
  const entries: ElfSample['entries'] = [
    [RUNPATH, '/store/aaaa/lib'],
    [NEEDED, { at: 13 }],
  ]
  const shared = sample(64, { entries })
  assert.deepEqual(parseElf(shared).needed, ['lib'])
  const bySymbol = sample(64, { entries: entries.slice(0, 1), symbols: [0, 13] })
  for (const bytes of [shared, bySymbol]) {
    const before = Buffer.from(bytes)
    assert.throws(() => setRunPath(bytes, '/x'), { code: 'ELF_STRING_SHARED' })
    assert.ok(bytes.equals(before))
  }
})

for (const [what, edit, code] of [
  ['a longer interpreter', (bytes: Buffer) => setInterpreter(bytes, 'x'.repeat(28)), 'ELF_DOES_NOT_FIT'],
  ['an empty interpreter', (bytes: Buffer) => setInterpreter(bytes, ''), 'ELF_TEXT_INVALID'],
  ['a NUL in the interpreter', (bytes: Buffer) => setInterpreter(bytes, 'a\0b'), 'ELF_TEXT_INVALID'],
  ['a character in the run path', (bytes: Buffer) => setRunPath(bytes, '/\u0100'), 'ELF_TEXT_INVALID'],
  ['a longer run path', (bytes: Buffer) => setRunPath(bytes, 'x'.repeat(32)), 'ELF_DOES_NOT_FIT'],
] as const) {
  test(`refuses ${what} and changes nothing`, () => {
    const bytes = sample(64)
    assert.throws(() => edit(bytes), { code })
    assert.ok(bytes.equals(sample(64)))
  })
}

test('files without the thing to edit', () => {
  const bytes = sample(64, { entries: [[NEEDED, 'libc.so.6']] })
  assert.throws(() => setRunPath(bytes, '/x'), { code: 'ELF_NO_RUN_PATH' })
  bytes.writeUInt32LE(0, 64)
  assert.throws(() => setInterpreter(bytes, '/x'), { code: 'ELF_NO_INTERPRETER' })
  assert.equal(interpreterCapacity(bytes), undefined)
})

for (const [what, damage, message] of [
  ['another magic', (bytes: Buffer) => bytes.write('ELF?', 0), /magic number/],
  ['another class', (bytes: Buffer) => bytes.writeUInt8(3, 4), /class 3/],
  ['big endian', (bytes: Buffer) => bytes.writeUInt8(2, 5), /big endian/],
  ['no byte order', (bytes: Buffer) => bytes.writeUInt8(0, 5), /byte order 0/],
  ['segments behind the end', (bytes: Buffer) => bytes.writeUInt32LE(0xfffffff0, 32), /behind the end/],
  ['segments far behind the end', (bytes: Buffer) => bytes.writeUInt32LE(0xfffffff0, 36), /behind the end/],
  ['65534 segments', (bytes: Buffer) => bytes.writeUInt16LE(65534, 56), /behind the end/],
  ['65534 sections', (bytes: Buffer) => bytes.writeUInt16LE(65534, 60), /behind the end/],
  ['segments of another size', (bytes: Buffer) => bytes.writeUInt16LE(8, 54), /8 bytes instead of 56/],
  ['an interpreter without end', (bytes: Buffer) => bytes.writeUInt32LE(5, 64 + 32), /no end/],
] as const) {
  test(`refuses ${what}`, () => {
    const bytes = sample(64)
    damage(bytes)
    assert.throws(
      () => parseElf(bytes),
      (error) => error instanceof UserError && message.test(error.message),
    )
  })
}

test('any damage ends in a UserError or in nothing', () => {
  const damages = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 255, 128), fc.nat({ max: 255 }))), {
    minLength: 1,
    maxLength: 12,
  })
  fc.assert(
    fc.property(
      fc.constantFrom<32 | 64>(32, 64),
      damages,
      fc.option(fc.nat(), { nil: undefined, freq: 4 }),
      (bits, changes, cut) => {
        let bytes = sample(bits, { reserve: 4 })
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        if (cut !== undefined) bytes = bytes.subarray(0, cut % bytes.length)
        for (const use of [
          parseElf,
          (b: Buffer) => setInterpreter(b, '/x'),
          (b: Buffer) => setRunPath(b, '/y'),
          (b: Buffer) => setRunPath(b, ''),
        ]) {
          try {
            use(bytes)
          } catch (error) {
            if (!(error instanceof UserError)) throw error
          }
        }
      },
    ),
    { numRuns: 3000 },
  )
})

test('garbage is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const garbage = Buffer.concat([Buffer.from('\x7fELF'), bytes])
      assert.ok(isElf(garbage))
      assert.throws(() => parseElf(bytes), UserError)
      try {
        parseElf(garbage)
      } catch (error) {
        assert.ok(error instanceof UserError)
      }
    }),
  )
})
