import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readExpressions } from '../test/expressions.ts'
import { memoryIo, testEvaluator } from '../test/memory-io.ts'
import { decodeParsedFile, encodeParsedFile, type ParseCache } from './parse-cache.ts'
import { parseFile } from './parse-file.ts'
import { printValue } from './print-value.ts'

const { globalNames: globals } = testEvaluator()

describe('encoded files', () => {
  test('decode to what was encoded', () => {
    for (const text of readExpressions('values.txt')) {
      const parsed = parseFile(text, '«string»', { globals })
      const decoded = decodeParsedFile(encodeParsedFile(parsed))!
      assert.deepEqual(decoded.nodes, parsed.nodes)
      assert.equal(decoded.root, parsed.root)
      assert.equal(decoded.stringCount, parsed.stringCount)
      for (let i = parsed.stringCount - 1; i >= 0; i--) assert.equal(decoded.string(i), parsed.string(i))
    }
  })

  test('decode from any alignment', () => {
    const encoded = encodeParsedFile(parseFile('{ a = "b"; }', '«string»', { globals }))
    const shifted = new Uint8Array(encoded.length + 1)
    shifted.set(encoded, 1)
    assert.ok(decodeParsedFile(shifted.subarray(1)))
  })

  test('are refused when a byte differs', () => {
    const encoded = encodeParsedFile(parseFile('let f = x: { inherit x; y = "z"; }; in f 1', '«string»', { globals }))
    for (let i = 0; i < encoded.length; i++) {
      const broken = encoded.slice()
      broken[i]! ^= 0x10
      assert.equal(decodeParsedFile(broken), undefined, `byte ${i}`)
    }
    for (let length = 0; length < encoded.length; length++) {
      assert.equal(decodeParsedFile(encoded.slice(0, length)), undefined, `length ${length}`)
    }
  })

  test('a large one is refused when a sector is lost', () => {
    const text = `[ ${Array.from({ length: 20_000 }, (_, i) => `(x: x "text ${i}" ${i})`).join(' ')} ]`
    const encoded = encodeParsedFile(parseFile(text, '«string»', { globals }))
    assert.ok(encoded.length > 500_000 && decodeParsedFile(encoded))
    for (let at = 0; at < encoded.length; at += 512) {
      const broken = encoded.slice()
      broken.fill(0, at, at + 512)
      assert.equal(decodeParsedFile(broken), undefined, `from ${at}`)
    }
  })

  test('garbage is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(decodeParsedFile(bytes), undefined)
      }),
    )
  })
})

test('an evaluator parses a file once and again when it changed or the stored form is broken', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'language-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'a.nix')
  const stored = new Map<string, Uint8Array>()
  let puts = 0
  const cache: ParseCache = {
    get: (path, fingerprint) => stored.get(path + fingerprint),
    put: (path, fingerprint, encoded) => {
      puts++
      stored.set(path + fingerprint, encoded)
    },
  }
  const value = (): string => printValue(testEvaluator(memoryIo(), {}, cache).importFile(file))
  writeFileSync(file, '1 + 1')
  assert.equal(value(), '2')
  assert.equal(value(), '2')
  assert.equal(puts, 1)
  writeFileSync(file, '"other"')
  assert.equal(value(), '"other"')
  assert.equal(puts, 2)
  for (const key of stored.keys()) stored.set(key, new Uint8Array(5))
  assert.equal(value(), '"other"')
  assert.equal(puts, 3)
})
