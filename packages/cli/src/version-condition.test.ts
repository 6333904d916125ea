import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '@baryon/format'
import fc from 'fast-check'
import { meets, parseCondition } from './version-condition.ts'

test('versions that a condition means', () => {
  const cases: readonly [condition: string, name: string, version: string, isMet: boolean][] = [
    ['zlib', 'zlib', '1.3', true],
    ['zlib', 'zlib', '', true],
    ['zlib', 'zlib-ng', '1.3', false],
    ['ZLIB', 'zlib', '1.3', true],
    ['zlib < 1.3', 'zlib', '1.2.13', true],
    ['zlib < 1.3', 'zlib', '1.3', false],
    ['zlib<1.3', 'zlib', '1.3pre1', true],
    ['zlib < 1.10', 'zlib', '1.9', true],
    ['zlib <= 1.3', 'zlib', '1.3', true],
    ['zlib > 1.3', 'zlib', '1.3.1', true],
    ['zlib >= 1.2, < 1.2.13', 'zlib', '1.2.12', true],
    ['zlib >= 1.2, < 1.2.13', 'zlib', '1.2.13', false],
    ['zlib == 1.3', 'zlib', '1.3', true],
    ['zlib != 1.3', 'zlib', '1.3', false],
    ['zlib < 1.3', 'zlib', '', false],
    ['gtk+ > 2', 'gtk+', '3', true],
  ]
  for (const [condition, name, version, isMet] of cases) {
    assert.equal(meets(parseCondition(condition), name, version), isMet, `${condition}: ${name} ${version}`)
  }
})

test('what is no condition is refused with a code', () => {
  for (const text of ['', '<', 'zlib <', 'zlib 1.3', 'zlib < 1.3 < 1.4', 'zlib <> 1', 'zlib < 1.3,', 'a b < 1']) {
    assert.throws(() => parseCondition(text), { code: 'CONDITION_SYNTAX' }, text)
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseCondition(text)
      } catch (error) {
        assert.ok(error instanceof UserError)
      }
    }),
  )
})
