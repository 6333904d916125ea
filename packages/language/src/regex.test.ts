import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRegex } from './regex.ts'
import { RegexSyntaxError } from './regex-syntax.ts'

// What Nix 2.8 gives; `test/builtins-peer.test.ts` compares many more.
const MATCHES: readonly (readonly [string, string, readonly (string | null)[] | undefined])[] = [
  ['(.*).git', 'a.git', ['a']],
  ['[a-f0-9]*', 'deadbeef', []],
  ['mirror://([a-z]+)/(.*)', 'mirror://gnu/x/y', ['gnu', 'x/y']],
  ['^((|\\..*)\\.sw[a-z]|.*~)$', 'a~', ['a~', null]],
  ['(a|ab)(c|bcd)(d*)', 'abcd', ['a', 'bcd', '']],
  ['((a)|b)*', 'ab', ['b', 'a']],
  ['(a*)*', '', ['']],
  ['a]}', 'a]}', []],
  ['[]a]', ']', []],
  ['a**', 'aa', []],
  ['a\nb.', 'a\nb\n', []],
  ['[\x80-\xff]+', '\xc3\xa9', []],
  ['a', 'b', undefined],
]

test('whole matches', () => {
  for (const [pattern, subject, groups] of MATCHES) {
    assert.deepEqual(compileRegex(pattern).match(subject), groups, `${pattern} on ${subject}`)
  }
})

test('a search takes the longest alternative, and goes on behind empty matches', () => {
  assert.deepEqual(compileRegex('(a|ab)').split('abc'), ['', ['ab'], 'c'])
  assert.deepEqual(compileRegex('x*').split('axb'), ['', [], 'a', [], '', [], 'b', [], ''])
  assert.deepEqual(compileRegex('(a*)|b').split('aab'), ['', ['aa'], '', [null], '', [''], ''])
  assert.deepEqual(compileRegex('[-.]').split('a-b.c'), ['a', [], 'b', [], 'c'])
})

test('what libstdc++ refuses', () => {
  for (const pattern of ['(', ')', '*a', '\\d', '\\]', 'a{2,1}', 'a{', '[a', '[b-a]', '[a-\xff]', '[[:foo:]]', '\\']) {
    assert.throws(() => compileRegex(pattern), RegexSyntaxError, pattern)
  }
  assert.throws(
    () => compileRegex('(a{1000}){1000}'),
    (error) => error instanceof RegexSyntaxError && error.tooLarge,
  )
})
