import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as toml from 'smol-toml'
import { addToList, removeFromList } from './edit-list.ts'

const add = (text: string, ...items: readonly string[]) => addToList(text, 'packages', items)
const remove = (text: string, ...items: readonly string[]) => removeFromList(text, 'packages', items)

test('items are added as a careful person would', () => {
  const cases: readonly [before: string, after: string][] = [
    ['', 'packages = ["new"]\n'],
    ['release = "HEP/1.0"', 'release = "HEP/1.0"\npackages = ["new"]'],
    [
      'release = "HEP/1.0" # why\n\n[tasks]\na = "b"\n',
      'release = "HEP/1.0" # why\npackages = ["new"]\n\n[tasks]\na = "b"\n',
    ],
    ['# ours\n\n# about tasks\n[tasks]\n', '# ours\n\npackages = ["new"]\n\n# about tasks\n[tasks]\n'],
    ['packages = []', 'packages = ["new"]'],
    ['packages = [ # none yet\n]', 'packages = ["new" # none yet\n]'],
    ['packages = ["a"] # b\n', 'packages = ["a", "new"] # b\n'],
    ["packages = ['a',]", 'packages = [\'a\', "new",]'],
    ['packages = [\n    "a", # first\n    # last\n]\n', 'packages = [\n    "a", # first\n    "new",\n    # last\n]\n'],
    ['packages = [\n  "a" # first\n]\n', 'packages = [\n  "a", # first\n  "new"\n]\n'],
    ['packages = [\n  "a",\n  "b" ]\n', 'packages = [\n  "a",\n  "b",\n  "new" ]\n'],
    ['packages = [\r\n\t"a",\r\n]\r\n', 'packages = [\r\n\t"a",\r\n\t"new",\r\n]\r\n'],
    [
      'x = """\npackages = [""" # no\n"packages" = ["a"]\n',
      'x = """\npackages = [""" # no\n"packages" = ["a", "new"]\n',
    ],
    ['[other]\npackages = ["a"]\n', 'packages = ["new"]\n\n[other]\npackages = ["a"]\n'],
  ]
  for (const [before, after] of cases) assert.equal(add(before, 'new'), after, before)
  assert.equal(add('packages = [\n  "a",\n]\n', 'b', 'c'), 'packages = [\n  "a",\n  "b",\n  "c",\n]\n')
})

test('items are removed with what is said of them alone', () => {
  const cases: readonly [before: string, after: string][] = [
    ['packages = ["old"]', 'packages = []'],
    ['packages = ["a", "old", "b"] # c\n', 'packages = ["a", "b"] # c\n'],
    ['packages = ["a", "old"]', 'packages = ["a"]'],
    ['packages = ["old", "a"]', 'packages = ["a"]'],
    ['packages = [\'old\', "a",]', 'packages = ["a",]'],
    [
      'packages = [\n  "a",\n  "old", # for plots\n  # stays\n  "b",\n]\n',
      'packages = [\n  "a",\n  # stays\n  "b",\n]\n',
    ],
    ['packages = [\n  "a", # stays\n  "old"\n]\n', 'packages = [\n  "a" # stays\n]\n'],
    ['packages = ["none"]', 'packages = ["none"]'],
    ['# nothing here', '# nothing here'],
  ]
  for (const [before, after] of cases) assert.equal(remove(before, 'old'), after, before)
})

const name = fc.stringMatching(/^[a-z][a-z0-9._+-]{0,8}$/)
const blank = fc.constantFrom('', ' ', '  ', '\t')
const comment = fc.stringMatching(/^# [a-z"'[\],={}#]{0,10}$/)
const space = fc.oneof(
  blank,
  fc.tuple(blank, comment).map(([before, text]) => `${before}${text}\n`),
  fc.tuple(blank, blank).map(([before, after]) => `${before}\n${after}`),
)
const quoted = (text: string): fc.Arbitrary<string> => fc.constantFrom(JSON.stringify(text), `'${text}'`)

/** A list in any layout, and what is in it. */
const list = fc.uniqueArray(name, { maxLength: 5 }).chain((items) =>
  fc
    .tuple(fc.tuple(...items.map((item) => fc.tuple(space, quoted(item), space))), space, fc.boolean())
    .map(([elements, end, hasComma]) => {
      const inside = elements.map(([before, text, after]) => `${before}${text}${after}`).join(',')
      return `[${inside}${hasComma && items.length > 0 ? ',' : ''}${end}]`
    }),
)
const others = fc.constantFrom(
  '',
  '# words\n',
  'a = "x]"\n',
  'm = """\n[no]\n"""\n',
  'i = { b = [1, 2], "c d" = \'"\' }\n',
)
const tables = fc.constantFrom('', '\n# of tasks\n[tasks]\nrun = "a"\n', '[[x]]\npackages = ["other"]\n[[x]]\ny = 1\n')
const lines = fc
  .tuple(
    others,
    fc.option(list),
    others.filter((text) => text === '' || text.startsWith('#')),
    tables,
  )
  .map(
    ([before, value, after, rest]) => `${before}${value === null ? '' : `packages = ${value} # here\n`}${after}${rest}`,
  )
const document = fc
  .tuple(lines, fc.boolean())
  .map(([text, isWindows]) => (isWindows ? text.replaceAll('\n', '\r\n') : text))

type Document = Record<string, unknown> & { packages?: string[] }
/** With ordinary prototypes. */
const parse = (text: string): Document => JSON.parse(JSON.stringify(toml.parse(text)))
const commentsOf = (text: string): string[] => (text.match(/# [^\r\n]*/g) ?? []).sort()

test('any document means what is expected afterwards, with all of its comments', () => {
  fc.assert(
    fc.property(document, fc.uniqueArray(name, { maxLength: 3 }), (text, wanted) => {
      const before = parse(text)
      const known = before.packages ?? []
      const items = wanted.filter((item) => !known.includes(item))
      const added = add(text, ...items)
      const expected = items.length > 0 ? { ...before, packages: [...known, ...items] } : before
      assert.deepEqual(parse(added), expected, added)
      assert.deepEqual(commentsOf(added), commentsOf(text))
      assert.equal(added.includes('\r\n'), text.includes('\r\n'))

      const removed = remove(added, ...items)
      const left = items.length > 0 ? { ...before, packages: known } : before
      assert.deepEqual(parse(removed), left, removed)
      assert.deepEqual(commentsOf(removed), commentsOf(text))
    }),
    { numRuns: 2000 },
  )
})

test('any items can be removed', () => {
  fc.assert(
    fc.property(document, fc.array(fc.nat(4)), (text, indices) => {
      const before = parse(text)
      const known = before.packages ?? []
      const gone = new Set(indices.flatMap((index) => known[index] ?? []))
      const removed = remove(text, ...gone)
      const left = known.filter((item) => !gone.has(item))
      assert.deepEqual(parse(removed), before.packages === undefined ? before : { ...before, packages: left }, removed)
    }),
    { numRuns: 2000 },
  )
})
