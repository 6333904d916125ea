import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutEscapes } from './escape-sequences.ts'

test('colours stay where they are wanted', () => {
  const text = 'a \x1b[1;35mred\x1b[0m b'
  assert.equal(withoutEscapes(text, true), text)
  assert.equal(withoutEscapes(text, false), 'a red b')
})

test('what moves the cursor, sets a title or rings goes in any case', () => {
  const cases: Readonly<Record<string, string>> = {
    'up\x1b[2A and \x1b[Kover': 'up and over',
    '\x1b]0;title\x07text': 'text',
    '\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\': 'link',
    '\x1bcreset': 'creset',
    '\x1bMup': 'up',
    'over\rwritten\x07': 'overwritten',
    'cut \x1b[': 'cut ',
    'cut \x1b': 'cut ',
    'cut \x1b]0;never ended': 'cut ',
    'tab\tand\nline, ä': 'tab\tand\nline, ä',
  }
  for (const [text, expected] of Object.entries(cases)) assert.equal(withoutEscapes(text, true), expected)
})
