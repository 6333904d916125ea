import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOfKey } from './toml-layout.ts'

test('keys and elements have places', () => {
  const text = [
    'release = "HEP" # a = 1',
    'packages = [',
    '  "ü", "b", # c',
    ']',
    '[tasks]',
    'fit = { command = "x", "depends-on" = ["a"] }',
    'long = """',
    'fit = 3""""',
    '[[list]]',
    '[[list]]',
    '  deep.er = 1',
  ].join('\n')
  const cases: readonly [path: string[], place: string][] = [
    [['release'], '1:1'],
    [['packages', '0'], '3:3'],
    [['packages', '1'], '3:8'],
    [['tasks'], '5:1'],
    [['tasks', 'fit', 'command'], '6:9'],
    [['tasks', 'fit', 'depends-on', '0'], '6:40'],
    [['tasks', 'fit', 'none'], '6:1'],
    [['tasks', 'long'], '7:1'],
    [['list', '1', 'deep', 'er'], '11:3'],
    [['nowhere'], '1:1'],
  ]
  for (const [path, place] of cases) {
    const { line, column } = placeOfKey(text, path)
    assert.equal(`${line}:${column}`, place, path.join('.'))
  }
})
