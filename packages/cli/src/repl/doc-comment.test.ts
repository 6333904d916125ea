import assert from 'node:assert/strict'
import { test } from 'node:test'
import { docCommentAt } from './doc-comment.ts'

/** At the first `HERE`, which is taken out. */
function docOf(marked: string): string | undefined {
  const at = marked.indexOf('HERE')
  const lines = marked.slice(0, at).split('\n')
  return docCommentAt(marked.replace('HERE', ''), lines.length, lines.at(-1)!.length + 1)
}

test('before the attribute, with and without a frame', () => {
  assert.equal(docOf('{\n  /** One line. */\n  HEREa = 1;\n}'), 'One line.')
  assert.equal(docOf('{\n  /**\n   * Two\n   *\n   *   lines.\n   */\n  HEREa = 1;\n}'), 'Two\n\n  lines.')
  assert.equal(
    docOf('{\n  /**\n    # Title\n\n    Text\n      deeper\n  */\n  HEREa = 1;\n}'),
    '# Title\n\nText\n  deeper',
  )
})

test('before the function that is the value', () => {
  assert.equal(docOf('{ HEREa = /** Of the value. */ x: x; }'), 'Of the value.')
  assert.equal(docOf('{ HERE"a b" =\n /** Of it. */\n x: x; }'), 'Of it.')
})

test('other comments are none, and neither is that of another attribute', () => {
  for (const text of [
    '{ /* no */ HEREa = 1; }',
    '{ # no\n HEREa = 1; }',
    '{ /** of b */ b = 1; HEREa = 2; }',
    'HERE{}',
  ]) {
    assert.equal(docOf(text), undefined, text)
  }
  assert.equal(docOf('{ /** one */ b = 1; /** two */ HEREa = 2; }'), 'two')
  assert.equal(docCommentAt('{ }', 7, 1), undefined)
})
