import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findSymbol, intern, symbolText } from './symbols.ts'

test('names have one number each, and keep it', () => {
  const known = new Map<string, number>()
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\xff'), maxLength: 80 })
  fc.assert(
    fc.property(fc.array(name, { maxLength: 200 }), (names) => {
      for (const text of names) {
        const found = findSymbol(text)
        const id = intern(text)
        if (known.has(text)) assert.deepEqual([found, id], [known.get(text), known.get(text)])
        else known.set(text, id)
        assert.equal(symbolText(id), text)
      }
    }),
  )
  assert.equal(new Set(known.values()).size, known.size)
  for (const [text, id] of known) assert.deepEqual([findSymbol(text), intern(text)], [id, id])
})

test('long names that differ in one place are told apart', () => {
  const [before, behind] = ['x'.repeat(3000), 'y'.repeat(3000)]
  const ids = Array.from({ length: 20_000 }, (_, i) => intern(`${before}${i}${behind}`))
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(findSymbol(`${before}20000${behind}`), undefined)
  assert.equal(findSymbol(`${before}19999${behind}`), ids.at(-1))
})
