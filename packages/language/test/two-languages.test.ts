/**
 * Where today's Nix differs from Nix 2.8. What today's gives is taken from its manual ("Built-in functions", "Operators",
 * "String literals", and the release notes 2.9 to 2.36) and its sources at 2.36.0; the 2.8 column is what nix-bin 2.8 gave,
 * and is asked of it again where it is installed.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { peer } from '@baryon/testing'
import fc from 'fast-check'
import { EvaluationError, type Evaluator, forceDeep, printValue } from '../index.ts'
import { memoryIo, testEvaluator } from './memory-io.ts'

const old = testEvaluator()
const today = testEvaluator(undefined, { newerFeatures: true, nixVersion: '2.36.0', maxDataDepth: 10_000 })
const experimental = testEvaluator(undefined, {
  newerFeatures: true,
  experimentalFeatures: ['pipe-operators', 'parse-toml-timestamps'],
})

/** A value as Nix prints it, or a part of the message of an error. */
type Expected = string | RegExp

const differences: readonly (readonly [expression: string, inOld: Expected, now: Expected])[] = [
  ['builtins.nixVersion', '"2.8.0"', '"2.36.0"'],
  // "Integer overflow is now an error" (2.25).
  ['9223372036854775807 + 1', '-9223372036854775808', /integer overflow in adding 9223372036854775807 \+ 1/],
  ['builtins.add 9223372036854775807 1', '-9223372036854775808', /integer overflow in adding/],
  ['0 - 9223372036854775807 - 2', '9223372036854775807', /integer overflow in subtracting -9223372036854775807 - 2/],
  ['4611686018427387904 * 2', '-9223372036854775808', /integer overflow in multiplying 4611686018427387904 \* 2/],
  ['(0 - 9223372036854775807 - 1) / (0 - 1)', /overflow in integer division/, /integer overflow in dividing/],
  ['builtins.ceil 1.0e30', '-9223372036854775808', /NixFloat argument 1e\+30 is not in the range of NixInt/],
  ['builtins.floor 9007199254740993', '9007199254740992', /loss of precision/],
  // The manual of toJSON: floats are written so that they read back the same.
  [
    'builtins.toJSON [ 1.0 1.5 0.1 1.0e15 1.0e14 1.0e300 (1.0 / 3) ]',
    '"[1,1.5,0.1,1e+15,1e+14,1e+300,0.333333]"',
    '"[1.0,1.5,0.1,1e+15,100000000000000.0,1e+300,0.3333333333333333]"',
  ],
  [
    'builtins.toJSON (builtins.fromJSON "[0.0001,0.00001,-0.0,123456.789,1e16]")',
    '"[0.0001,1e-05,-0,123457,1e+16]"',
    '"[0.0001,1e-05,-0.0,123456.789,1e+16]"',
  ],
  [
    String.raw`builtins.toJSON (builtins.fromJSON "\"\\b\\f\"")`,
    String.raw`"\"\\u0008\\u000c\""`,
    String.raw`"\"\\b\\f\""`,
  ],
  ['builtins.fromJSON "18446744073709551615"', '-1', /unsigned json number 18446744073709551615 outside/],
  ['builtins.fromJSON "-9223372036854775809"', '-9.22337e+18', '-9.22337e+18'],
  // "Strings cannot contain NUL" (2.25).
  [String.raw`builtins.fromJSON "\"a\\u0000b\""`, '"a"', /input string 'aâ\x90\x80b' cannot be represented/],
  [
    String.raw`builtins.attrNames (builtins.fromJSON "{\"a\\u0000b\":1}")`,
    '[ "a" ]',
    /cannot be represented as Nix string/,
  ],
  // Replacements are only evaluated when they are needed (2.16).
  ['builtins.replaceStrings [ "x" "o" ] [ (throw "no") "0" ] "foo"', /no/, '"f00"'],
  ['builtins.replaceStrings [ "x" ] [ (throw "no") ] "foo"', /no/, '"foo"'],
  // Sets inside of merged sets merge as well (2.21).
  ['{ a.b = { x.p = 1; }; a = { b.x.q = 2; }; }', /already defined/, '{ a = { b = { x = { p = 1; q = 2; }; }; }; }'],
  // Positions: each inherited name has its own.
  ['let a = 1; s = { inherit a; }; in (builtins.unsafeGetAttrPos "a" s).column', '25', '26'],
  ['builtins ? warn', 'false', 'true'],
  ['builtins ? convertHash', 'false', 'true'],
  ['builtins ? readFileType', 'false', 'true'],
  ['builtins ? getFlake', 'false', 'true'],
  ['builtins.fromTOML "a = 1979-05-27"', /Dates and times are not supported/, /while parsing TOML: Dates and times/],
  // Which argument is looked at first, and whether the function is.
  ['builtins.length (map 1 [ 1 ])', '1', /is an integer while a function was expected/],
  ['map 1 [ ]', '[ ]', '[ ]'],
  ['builtins.length (builtins.genList 1 2)', '2', /is an integer while a function was expected/],
  ['builtins.filter 1 [ ]', /while a function was expected/, '[ ]'],
  ['builtins.sort 1 [ ]', /while a function was expected/, '[ ]'],
  ['builtins.sort 1 "x"', /while a function was expected/, /is a string while a list was expected/],
  ['builtins.genericClosure { startSet = [ ]; }', /attribute 'operator' missing/, '[ ]'],
  ['builtins.genericClosure { startSet = [ ]; operator = abort "x"; }', /aborted/, '[ ]'],
  [
    'builtins.toJSON { __toString = self: 42; }',
    /cannot coerce an integer/,
    /should return a string, but got an integer: 42$/,
  ],
  ['builtins.toJSON { __toString = self: { a = 1; }; }', /cannot coerce a set/, /must return a string, but got a set/],
  ['builtins.toJSON { __toString = self: { outPath = "x"; }; }', '"\\"x\\""', '"\\"x\\""'],
  ['1 |> (x: x)', /./, /experimental Nix feature 'pipe-operators' is disabled/],
]

describe('where the languages differ', () => {
  for (const [expression, inOld, now] of differences) {
    test(expression, () => {
      check(old, expression, inOld)
      check(today, expression, now)
    })
  }
})

const home = mkdtempSync(join(tmpdir(), 'two-languages-'))
after(() => rmSync(home, { recursive: true, force: true }))
const nix = peer('nix-instantiate')

test('the older language is that of nix-bin', { skip: nix.skip }, () => {
  const environment = {
    NIX_STORE_DIR: join(home, 'store'),
    NIX_STATE_DIR: join(home, 'state'),
    NIX_PATH: '',
    HOME: home,
  }
  for (const [expression, inOld] of differences) {
    const result = nix.run(['--eval', '--strict', '-'], { home, environment, input: expression })
    if (typeof inOld === 'string') assert.equal(result.stdout.toString().trimEnd(), inOld, expression)
    else assert.notEqual(result.status, 0, expression)
  }
})

describe('what only today has', () => {
  const rows: readonly (readonly [expression: string, value: Expected])[] = [
    [
      'builtins.convertHash { hash = "d41d8cd98f00b204e9800998ecf8427e"; hashAlgo = "md5"; toHashFormat = "sri"; }',
      '"md5-1B2M2Y8AsgTpgAmY7PhCfg=="',
    ],
    [
      'builtins.convertHash { hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; toHashFormat = "nix32"; }',
      '"0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"',
    ],
    ['builtins.convertHash { hash = "x"; toHashFormat = "base16"; }', /does not include a type/],
    ['builtins.convertHash { hash = "x"; hashAlgo = "crc"; toHashFormat = "base16"; }', /unknown hash algorithm 'crc'/],
    ['builtins.readFileType /dev/null', '"unknown"'],
    ['builtins.readFileType /.', '"directory"'],
    ['builtins.break 3', '3'],
    ['builtins.traceVerbose "x" 3', '3'],
    [
      'builtins.parseFlakeRef "github:NixOS/nixpkgs/23.05?dir=lib"',
      '{ dir = "lib"; owner = "NixOS"; ref = "23.05"; repo = "nixpkgs"; type = "github"; }',
    ],
    [
      'builtins.parseFlakeRef "git+https://h.org/r.git?ref=m&shallow=1"',
      '{ ref = "m"; shallow = true; type = "git"; url = "https://h.org/r.git"; }',
    ],
    ['builtins.parseFlakeRef "nixpkgs/unstable"', '{ id = "nixpkgs"; ref = "unstable"; type = "indirect"; }'],
    ['builtins.parseFlakeRef "/a/b?dir=c"', '{ dir = "c"; path = "/a/b"; type = "path"; }'],
    ['builtins.parseFlakeRef "https://h.org/x.tar.gz"', '{ type = "tarball"; url = "https://h.org/x.tar.gz"; }'],
    ['builtins.parseFlakeRef "https://h.org/x.txt"', '{ type = "file"; url = "https://h.org/x.txt"; }'],
    ['builtins.parseFlakeRef "./here"', /is not an absolute path/],
    ['builtins.parseFlakeRef "github:NixOS"', /is invalid/],
    ['builtins.parseFlakeRef "nixpkgs#hello"', /fragment/],
    [
      'builtins.flakeRefToString { type = "github"; owner = "o"; repo = "r"; rev = "abc"; dir = "d"; }',
      '"github:o/r/abc?dir=d"',
    ],
    ['builtins.flakeRefToString { type = "path"; path = "/x"; lastModified = 5; }', '"path:/x?lastModified=5"'],
    ['builtins.flakeRefToString { type = "indirect"; id = "x"; y = -1; }', /negative value given/],
    ['builtins.flakeRefToString { id = "x"; }', /input attribute 'type' is missing/],
    ["''${\"a\"}''", '"a"'],
    ['builtins.toJSON "\xff"', /invalid UTF-8 byte at index 0: 0xFF/],
    ['builtins.toJSON "a\xc3("', /invalid UTF-8 byte at index 2: 0x28/],
    ['builtins.toJSON "a\xe2\x82"', /incomplete UTF-8 string; last byte: 0x82/],
    ["builtins.toJSON (builtins.foldl' (a: b: [ a ]) null (builtins.genList (x: x) 1000))", /^"\[{1000}null\]{1000}"$/],
    ['"a\0b"', /input string 'aâ\x90\x80b' cannot be represented/],
    ["''a\0b''", /cannot be represented/],
    ['builtins.fromTOML "a = \\"x\\\\u0000y\\""', /while parsing TOML: error: input string/],
    [
      'builtins.derivationStrict { name = "x"; system = "s"; builder = "b"; outputs = [ "drvPath" ]; }',
      /invalid derivation output name 'drvPath'/,
    ],
    [
      'let d = mode: (derivation { name = "x"; system = "s"; builder = "b"; outputHashMode = mode; outputHash = ""; outputHashAlgo = "sha256"; }).outPath; in d "nar" == d "recursive"',
      'true',
    ],
  ]
  for (const [expression, value] of rows) test(expression, () => check(today, expression, value))

  test('JSON that nests deeper than the limit', () => {
    const deep = "builtins.toJSON (builtins.foldl' (a: b: [ a ]) null (builtins.genList (x: x) 200))"
    const shallow = testEvaluator(undefined, { newerFeatures: true, maxDataDepth: 100 })
    check(shallow, deep, /stack overflow; max-call-depth exceeded/)
    check(today, deep, /null/)
    check(
      shallow,
      "builtins.deepSeq (builtins.foldl' (a: b: [ a ]) null (builtins.genList (x: x) 200)) 1",
      /max-call-depth exceeded/,
    )
  })

  test('warnings show all their lines', () => {
    const io = memoryIo()
    const evaluator = testEvaluator(io, { newerFeatures: true })
    check(evaluator, String.raw`builtins.warn "a\nb" (builtins.warn "\na\nb" 1)`, '1')
    assert.deepEqual(io.messages, [`evaluation warning: a\n${' '.repeat(20)}b`, 'evaluation warning:\na\nb'])
  })
})

describe('how the sides of a failed assertion differ', () => {
  const rows: readonly (readonly [condition: string, message: string, path: string])[] = [
    ['1 == 1.5', "an integer with value '1' is not equal to a float with value '1.5'", ''],
    ['false == null', "a Boolean of value 'false' is not equal to null of value 'null'", ''],
    ['"x" == "y"', `string '"x"' is not equal to string '"y"'`, ''],
    ['/a == /b', "path '/a' is not equal to path '/b'", ''],
    [
      '[ 1 2 ] == [ 1 ]',
      "list of size '2' is not equal to list of size '1', left hand side is '[ 1 2 ]', right hand side is '[ 1 ]'",
      '',
    ],
    ['{ a = 1; } == { }', "attribute names of attribute set '{ a = 1; }' differs from attribute set '{ }'", ''],
    ['{ a = 1; } == { b = 1; }', "attribute name 'a' is contained in '{ a = 1; }', but not in '{ b = 1; }'", ''],
    [
      '{ a."b c" = [ 0 { d = true; } ]; } == { a."b c" = [ 0 { d = false; } ]; }',
      "boolean 'true' is not equal to boolean 'false'",
      '.a."b c"[1].d',
    ],
    [
      '{ type = "derivation"; outPath = "x"; } == { type = "derivation"; outPath = "y"; }',
      `string '"x"' is not equal to string '"y"'`,
      '.outPath',
    ],
    ['(x: x) == (x: x)', 'distinct functions and immediate comparisons of identical functions compare as unequal', ''],
    // Nothing else is said of other conditions.
    ['1 != 1', "assertion '(1 != 1)' failed", ''],
  ]
  for (const [condition, message, path] of rows) {
    test(condition, () => {
      const error = caught(today, `assert ${condition}; 1`)
      assert.equal(error.messageIn(true), message)
      assert.equal(error.hint, path === '' ? undefined : `the two sides differ at ${path}`)
      assert.match(caught(old, `assert ${condition}; 1`).message, /^assertion '.*' failed$/)
      check(today, `(builtins.tryEval (assert ${condition}; 1)).success`, 'false')
    })
  }

  test('whatever differs is found, and nothing else', () => {
    const leaf = fc.constantFrom('1', '1.0', '2', 'true', 'null', '"a"', '/a', '"b"')
    const value = (depth: number): fc.Arbitrary<string> => {
      if (depth === 0) return leaf
      const set = fc.dictionary(fc.constantFrom('a', 'b', 'type', 'outPath'), value(depth - 1), { maxKeys: 3 })
      return fc.oneof(
        leaf,
        fc.array(value(depth - 1), { maxLength: 3 }).map((items) => `[ ${items.join(' ')} ]`),
        set.map(
          (entries) =>
            `{ ${Object.entries(entries)
              .map(([name, one]) => `${name} = ${one};`)
              .join(' ')} }`,
        ),
        fc.constantFrom('a', 'b').map((path) => `{ type = "derivation"; outPath = "${path}"; n = ${path === 'a'}; }`),
      )
    }
    fc.assert(
      fc.property(value(3), value(3), (left, right) => {
        const isEqual = shown(today, `${left} == ${right}`) === 'true'
        const message = shown(today, `assert ${left} == ${right}; 1`, true)
        assert.equal(message === '1', isEqual)
        if (!isEqual) assert.doesNotMatch(message, /^assertion/)
      }),
      { numRuns: 2000 },
    )
  })

  test('each side is evaluated once', () => {
    const io = memoryIo()
    const evaluator = testEvaluator(io, { newerFeatures: true })
    caught(evaluator, 'assert builtins.trace "left" 1 == builtins.trace "right" 2; 1')
    assert.deepEqual(io.messages, ['trace: left', 'trace: right'])
  })
})

describe('literals that are discouraged', () => {
  const rows = [
    ['lint-url-literals', 'http://x.org', 'URL literals are'],
    ['lint-absolute-path-literals', '/x', 'absolute path literals are not portable.'],
    ['lint-absolute-path-literals', '~/x', 'home path literals are not portable.'],
    ['lint-short-path-literals', 'a/b', "relative path literal 'a/b' should be prefixed with '.' for clarity: './a/b'"],
  ] as const
  for (const [name, literal, message] of rows) {
    test(literal, () => {
      const messages = (level: 'ignore' | 'warn' | 'fatal'): readonly string[] => {
        const io = memoryIo()
        const evaluator = testEvaluator(io, { newerFeatures: true, lints: { [name]: level } })
        if (level !== 'fatal') check(evaluator, `let f = ${literal}; in 1`, '1')
        else io.messages.push(caught(evaluator, `let f = ${literal}; in 1`).message)
        return io.messages
      }
      assert.deepEqual(messages('ignore'), [])
      for (const level of ['warn', 'fatal'] as const) {
        const [text = '', ...more] = messages(level)
        assert.ok(text.includes(message) && text.includes(`(${name})`), text)
        assert.deepEqual(more, [])
      }
    })
  }
  test('the usual ones are not', () => {
    const lints = {
      'lint-url-literals': 'fatal',
      'lint-absolute-path-literals': 'fatal',
      'lint-short-path-literals': 'fatal',
    } as const
    check(
      testEvaluator(undefined, { newerFeatures: true, lints }),
      '[ ./a ../b "http://x.org" <nix/fetchurl.nix> ] != 1',
      'true',
    )
  })
})

function caught(evaluator: Evaluator, expression: string): EvaluationError {
  try {
    forceDeep(evaluator.evaluateText(expression, '/', '«stdin»'))
  } catch (error) {
    assert.ok(error instanceof EvaluationError, String(error))
    return error
  }
  assert.fail(`no error: ${expression}`)
}

describe('experimental syntax', () => {
  const rows: readonly (readonly [expression: string, value: Expected])[] = [
    // The manual's section "Pipe operators".
    ['1 |> builtins.add 2 |> builtins.mul 3', '9'],
    ['builtins.add 1 <| builtins.mul 2 <| 3', '7'],
    ['[ 1 2 ] |> map (x: x + 1) |> builtins.length', '2'],
    ['1 + 1 |> builtins.toString', '"2"'],
    ['true -> false |> builtins.typeOf', '"bool"'],
    ['1 |> (x: x) <| 2', /unexpected '<\|'/],
    ['(x: x) <| 2 |> (x: x)', /unexpected '\|>'/],
    [
      'builtins.fromTOML "a = 1979-05-27t07:32:00.1z"',
      '{ a = { _type = "timestamp"; value = "1979-05-27T07:32:00.100Z"; }; }',
    ],
    [
      'builtins.fromTOML "a = 1979-05-27 07:32:00.1234-07:00"',
      '{ a = { _type = "timestamp"; value = "1979-05-27T07:32:00.123400-07:00"; }; }',
    ],
    [
      'builtins.fromTOML "a = 07:32:00.1234567899 # x"',
      '{ a = { _type = "timestamp"; value = "07:32:00.123456789"; }; }',
    ],
    ['builtins.fromTOML "a = 1979-02-30"', /no date or time/],
    ['builtins.fromTOML "a = 25:00:00"', /no date or time/],
  ]
  for (const [expression, value] of rows) test(expression, () => check(experimental, expression, value))
})

describe('the depth of calls', () => {
  const limited = testEvaluator(undefined, { newerFeatures: true, maxCallDepth: 100 })
  const rows: readonly (readonly [expression: string, value: Expected])[] = [
    ['(x: x x) (x: x x)', /stack overflow; max-call-depth exceeded/],
    ['let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 50', '50'],
    ['let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 200', /max-call-depth exceeded/],
    ['let s = { __toString = self: "${self}"; }; in "${s}"', /max-call-depth exceeded/],
    ['let f = { a }: f { inherit a; }; in f { a = 1; }', /max-call-depth exceeded/],
    ["builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 1000)", '499500'],
    // A caught error gives back what it had entered.
    ['builtins.length (builtins.genList (i: builtins.tryEval ((x: throw "x") i)) 1000)', '1000'],
    [
      'builtins.foldl\' (n: i: if (builtins.tryEval ((x: throw "x") i)).success then n else n + 1) 0 (builtins.genList (i: i) 1000)',
      '1000',
    ],
  ]
  for (const [expression, value] of rows) test(expression, () => check(limited, expression, value))

  test('Nix 2.8 has another word for it', () => {
    check(testEvaluator(undefined, { maxCallDepth: 100 }), '(x: x x) (x: x x)', /possible infinite recursion/)
  })
})

test('what enters a hash is the same in both languages', () => {
  const texts = [
    'derivation { name = "a"; system = "s"; builder = "b"; f = 1.5; i = 9007199254740993; l = [ 1 [ ] "x" ]; }',
    'derivation { name = "a"; system = "s"; builder = "b"; __structuredAttrs = true; f = 1.5e10; s = "\\b"; n = null; }',
    'derivation { name = "a"; system = "s"; builder = "b"; outputs = [ "out" "dev" ]; }',
  ]
  for (const text of texts) assert.equal(shown(today, `(${text}).drvPath`), shown(old, `(${text}).drvPath`), text)
})

function check(evaluator: Evaluator, expression: string, expected: Expected): void {
  if (typeof expected === 'string') assert.equal(shown(evaluator, expression), expected)
  else assert.match(shown(evaluator, expression), expected)
}

/** The value, or the message of the error; `newer` in the words of today. */
function shown(evaluator: Evaluator, expression: string, newer = false): string {
  try {
    return printValue(forceDeep(evaluator.evaluateText(expression, '/', '«stdin»')))
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error, String(error))
    return error instanceof EvaluationError ? error.messageIn(newer) : error.message
  }
}

test('syntax errors list what is expected', () => {
  const rows: readonly (readonly [expression: string, expected: string])[] = [
    ['{ 1 = x; }', "unexpected integer, expecting 'inherit'"],
    ['a.if', `unexpected 'if', expecting identifier or 'or' or '\${' or '"'`],
    ['{ inherit 1; }', 'unexpected integer'],
    ['{ x, y : 1 }: 1', "unexpected ':', expecting '}' or ','"],
  ]
  for (const [expression, expected] of rows) {
    assert.equal(caught(today, expression).messageIn(true), `syntax error, ${expected}`, expression)
  }
})

test('errors are said in the words of the language', () => {
  const rows: readonly (readonly [expression: string, inOld: string, now: string])[] = [
    ['builtins.head 1', 'value is an integer while a list was expected', 'expected a list but found an integer: 1'],
    [
      'if [ 1 ] then 1 else 2',
      'value is a list while a Boolean was expected',
      'expected a Boolean but found a list: [ 1 ]',
    ],
    ['"${[ ]}"', 'cannot coerce a list to a string', 'cannot coerce a list to a string: [ ]'],
    [
      '1 2',
      'attempt to call something which is not a function but an integer',
      'attempt to call something which is not a function but an integer: 1',
    ],
    [
      '{ } < { }',
      'cannot compare a set with a set',
      'cannot compare a set with a set; values of that type are incomparable (values are { } and { })',
    ],
    [
      '"a" < 1',
      'cannot compare a string with an integer',
      'cannot compare a string with an integer; values are "a" and 1',
    ],
    ['builtins.head [ ]', 'list index 0 is out of bounds', "'builtins.head' called on an empty list"],
    [
      'builtins.elemAt [ 1 ] 3',
      'list index 3 is out of bounds',
      "'builtins.elemAt' called with index 3 on a list of size 1",
    ],
    [
      '({ a }: 1) { }',
      "anonymous function at (string):1:2 called without required argument 'a'",
      "function 'anonymous lambda' called without required argument 'a'",
    ],
    [
      'builtins.length { b = 1; a = x: x; type = 1 + 1; }',
      'value is a set while a list was expected',
      'expected a list but found a set: { type = «thunk»; a = «lambda a @ «stdin»:1:30»; b = 1; }',
    ],
    ['builtins.length "é"', 'value is a string while a list was expected', 'expected a list but found a string: "é"'],
    ['1 + builtins.genList (x: 1) 12', 'cannot add a list to an integer', 'cannot add a list to an integer'],
    [
      'builtins.stringLength [ 1 2 3 4 5 6 7 8 9 10 11 12 ]',
      'cannot coerce a list to a string',
      'cannot coerce a list to a string: [ 1 2 3 4 5 6 7 8 9 10 «2 items elided» ]',
    ],
  ]
  for (const [expression, inOld, now] of rows) {
    assert.equal(message(old, expression, false), inOld)
    assert.equal(message(today, expression, true), now)
  }
})

function message(evaluator: Evaluator, expression: string, newer: boolean): string {
  const bytes = Buffer.from(expression).toString('latin1')
  try {
    forceDeep(evaluator.evaluateText(bytes, '/', '«stdin»'))
  } catch (error) {
    assert.ok(error instanceof EvaluationError)
    return Buffer.from(error.messageIn(newer), 'latin1').toString('utf8')
  }
  return 'no error'
}
