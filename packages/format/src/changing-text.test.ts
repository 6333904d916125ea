import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChangingText } from './changing-text.ts'
import { hashBytesBase16 } from './hash.ts'
import { SHA256_HEAD, SHA256_INPUT } from './sha256.ts'

function expected(head: readonly string[], tail: readonly string[]): string {
  return createHash('sha256')
    .update(Buffer.from([...head, ...tail].join(''), 'latin1'))
    .digest('hex')
}

const byteString = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom('', 'x', 'y'.repeat(63), 'z'.repeat(64), 'a'.repeat(3000), 'b'.repeat(40_000)),
)
const head = fc.array(byteString, { maxLength: 5 })

test('the hash is that of the text as it is, whatever changed and whoever hashes in between', () => {
  const step = fc.record({
    which: fc.nat({ max: 1 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 4 }), byteString), { maxLength: 3 }),
    head,
    more: head,
    other: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(byteString, { minLength: 5, maxLength: 5 }),
      fc.array(byteString, { minLength: 5, maxLength: 5 }),
      fc.array(step, { maxLength: 8 }),
      (first, second, steps) => {
        const tails = [first.slice(), second.slice()] as const
        const texts = [new ChangingText(first), new ChangingText(second)] as const
        for (const { which, changes, head, more, other } of steps) {
          const text = texts[which]!
          const tail = tails[which]!
          for (const [index, part] of changes) {
            text.set(index, part)
            tail[index] = part
          }
          const hash = expected([...head, ...more], tail)
          assert.equal(text.sha256Base16(head, more), hash)
          if (other) assert.equal(hashBytesBase16('sha256', tail.join('')), expected([], tail))
          assert.equal(Buffer.from(text.sha256(head, more)).toString('hex'), hash)
          assert.equal(text.toString(), [...head, ...more, ...tail].join(''))
        }
      },
    ),
  )
})

test('what has no place in the memory is hashed as well', () => {
  for (const headLength of [SHA256_HEAD - 1, SHA256_HEAD, SHA256_HEAD + 1, 5 << 20]) {
    for (const tailLength of [0, SHA256_INPUT - 1, SHA256_INPUT, SHA256_INPUT + 1]) {
      const head = ['\xff'.repeat(headLength - 2), 'h']
      const more = ['m']
      const tail = ['t'.repeat(tailLength), '']
      const text = new ChangingText(tail.slice())
      for (let i = 0; i < 2; i++) assert.equal(text.sha256Base16(head, more), expected([...head, ...more], tail))
    }
  }
})
