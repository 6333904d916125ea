import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Command } from './command.ts'
import { type Arguments, parseArguments, UsageError } from './parse-arguments.ts'

const options: Command['options'] = [
  { name: 'file', short: 'f', values: ['FILE'], help: '' },
  { name: 'arg', values: ['NAME', 'EXPRESSION'], repeat: true, help: '' },
  { name: 'include', short: 'I', values: ['PATH'], repeat: true, help: '' },
  { name: 'jobs', short: 'j', values: ['N'], help: '' },
  { name: 'keep', short: 'k', help: '' },
  { name: 'loud', short: 'l', help: '' },
]

function parse(words: readonly string[], operands: Command['operands'] = { least: 0, most: 9 }): Arguments {
  return parseArguments({ name: 'test', options, operands }, words)
}

test('options in every spelling', () => {
  assert.equal(parse(['-f', 'x']).value('file'), 'x')
  assert.equal(parse(['-fx']).value('file'), 'x')
  assert.equal(parse(['--file', 'x']).value('file'), 'x')
  assert.equal(parse(['--file=x=y']).value('file'), 'x=y')
  assert.equal(parse(['-j4']).number('jobs'), 4)
  assert.deepEqual(parse(['-I', 'a', 'b', '-Ic']).values('include'), ['a', 'c'])
  assert.deepEqual(parse(['--arg', 'x', '1', '--arg', 'y', '2']).pairs('arg'), [
    ['x', '1'],
    ['y', '2'],
  ])
  const switches = parse(['-kl', 'operand'])
  assert.equal(switches.flag('keep') && switches.flag('loud'), true)
  assert.deepEqual(switches.operands, ['operand'])
})

test('the words of a command are its own', () => {
  const dashes = parse(['a', 'b', '--', 'c', '-f', '--'], { least: 1, most: 9, command: 'after-dashes' })
  assert.deepEqual(
    [dashes.operands, dashes.command],
    [
      ['a', 'b'],
      ['c', '-f', '--'],
    ],
  )

  const first = { least: 1, most: 1, command: 'after-first', assignments: true } as const
  const cases: readonly [words: string[], operands: string[], command: string[] | undefined][] = [
    [['root'], ['root'], undefined],
    [['root', 'cmd', '-f', '--', 'x'], ['root'], ['cmd', '-f', '--', 'x']],
    [['root', '--', 'cmd', '--'], ['root'], ['cmd', '--']],
    [['root', '--', '--'], ['root'], ['--']],
    [['A=1', 'B=', 'root', 'C=3'], ['A=1', 'B=', 'root'], ['C=3']],
    [['-k', 'root', '-k'], ['root'], ['-k']],
  ]
  for (const [words, operands, command] of cases) {
    const parsed = parse(words, first)
    assert.deepEqual([parsed.operands, parsed.command], [operands, command], words.join(' '))
  }
})

test('wrong usage is said with a suggestion', () => {
  const cases: readonly [words: string[], message: RegExp, hint?: RegExp][] = [
    [['--fiel', 'x'], /unknown option --fiel/, /--file/],
    [['-x'], /unknown option -x/],
    [['--file'], /--file needs FILE/],
    [['--arg', 'x'], /--arg needs EXPRESSION/],
    [['--keep=yes'], /takes no value/],
    [['-f', 'a', '-f', 'b'], /given twice/],
  ]
  for (const [words, message, hint] of cases) {
    assert.throws(
      () => parse(words),
      (error) => error instanceof UsageError && message.test(error.message) && (hint?.test(error.hint ?? '') ?? true),
      words.join(' '),
    )
  }
  assert.throws(() => parse(['-j', 'x']).number('jobs'), UsageError)
  assert.throws(() => parse([], { least: 1, most: 1 }), UsageError)
  assert.throws(() => parse(['a', 'b'], { least: 1, most: 1 }), UsageError)
})

test('any words give arguments or a usage error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('-f', '--file', '--', '-k', '--arg=', '-j4'))),
      (words) => {
        try {
          parse(words)
        } catch (error) {
          assert.ok(error instanceof UsageError)
        }
      },
    ),
  )
})
