import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Derivation, derivationReferences, formatDerivation } from './derivation.ts'
import {
  createDerivationHasher,
  type DerivationHash,
  fillOutputPaths,
  fixedOutputHash,
  hashDerivationModulo,
} from './derivation-hash.ts'
import { parseDerivation } from './parse-derivation.ts'
import { UserError } from './user-error.ts'

// What nix-instantiate 2.8 writes for
// derivation { name = "x"; system = "s"; builder = "/bi\"n/sh"; args = [ "-c" "echo \"x\"\n\t\r\\" ]; "we\"ird" = "q"; outputs = [ "out" "dev" ]; }
const ATERM =
  'Derive([("dev","/nix/store/x5b3l6m8bfdcyvwwh827w6m98l0622sc-x-dev","",""),("out","/nix/store/sk0bliw4k6jn17lrcx2mz7qpxkkd99cz-x","","")],[],[],"s",' +
  '"/bi\\"n/sh",["-c","echo \\"x\\"\\n\\t\\r\\\\"],[("builder","/bi\\"n/sh"),("dev","/nix/store/x5b3l6m8bfdcyvwwh827w6m98l0622sc-x-dev"),' +
  '("name","x"),("out","/nix/store/sk0bliw4k6jn17lrcx2mz7qpxkkd99cz-x"),("outputs","out dev"),("system","s"),("we\\"ird","q")])'

test('reads and writes an ATerm', () => {
  const derivation = parseDerivation(ATERM)
  assert.deepEqual([...derivation.outputs.keys()], ['dev', 'out'])
  assert.equal(derivation.builder, '/bi"n/sh')
  assert.deepEqual(derivation.args, ['-c', 'echo "x"\n\t\r\\'])
  assert.equal(derivation.env.get('we"ird'), 'q')
  assert.equal(formatDerivation(derivation), ATERM)
})

test('the masked form has no output paths', () => {
  const masked = formatDerivation(parseDerivation(ATERM), {
    maskOutputs: true,
    inputs: new Map([['00ff', ['out', 'dev', 'out']]]),
  })
  assert.equal(masked, ATERM.replaceAll(/\/nix\/store\/[^"]*/g, '').replace(',[],[],', ',[("00ff",["dev","out"])],[],'))
})

for (const [what, text, message] of [
  ['nothing', '', /expected 'Derive\(\[', found the end \(offset 0\)/],
  ['a newer form', 'DrvWithVersion("xp-dyn-drv",[],[],[],"","",[],[])', /newer form 'xp-dyn-drv'/],
  ['a broken newer form', 'DrvWithVersion(', /newer form/],
  ['a tail', `${ATERM}\n`, /follows its end/],
  ['a cut', ATERM.slice(0, -1), /expected '\)', found the end/],
  ['an open string', ATERM.slice(0, 300), /no end/],
  ['an escaped last quote', 'Derive([("\\")', /no end \(offset 9\)/],
  ['a relative output', 'Derive([("out","nix","","")],[],[],"","",[],[])', /'nix' is not absolute/],
  ['a relative input', 'Derive([],[("x.drv",["out"])],[],"","",[],[])', /'x.drv' is not absolute/],
  ['an empty source', 'Derive([],[],[""],"","",[],[])', /'' is not absolute/],
  ['an output twice', 'Derive([("a","","",""),("a","","","")],[],[],"","",[],[])', /output 'a' is listed twice/],
  ['an input twice', 'Derive([],[("/a",["out"]),("/a",[])],[],"","",[],[])', /input '\/a' is listed twice/],
  ['a variable twice', 'Derive([],[],[],"","",[],[("a",""),("a","")])', /variable 'a' is listed twice/],
  ['a missing comma', 'Derive([],[],["/a""/b"],"","",[],[])', /expected ','/],
  ['a trailing comma', 'Derive([],[],["/a",],"","",[],[])', /expected '"'/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parseDerivation(text),
      (error) => error instanceof UserError && message.test(error.message),
    )
  })
}

test('unknown escapes stand for their character, as in Nix', () => {
  assert.deepEqual(parseDerivation('Derive([],[],[],"","",["\\a\\0\\\\n\\n"],[])').args, ['a0\\n\n'])
})

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
// The fields that Nix does not escape cannot hold quotes or backslashes.
const plain = fc.string({ unit: fc.constantFrom(...'abc-./:09') })
const paths = plain.map((text) => `/${text}`)
const strings = (item: fc.Arbitrary<string>) => fc.uniqueArray(item, { maxLength: 5 }).map((list) => list.sort())
const asMade = { noNullPrototype: true }
const derivations: fc.Arbitrary<Derivation> = fc.record(
  {
    outputs: mapOf(plain, fc.record({ path: fc.oneof(fc.constant(''), paths), hashAlgo: plain, hash: plain }, asMade)),
    inputDerivations: mapOf(paths, strings(plain)),
    inputSources: strings(paths),
    system: plain,
    builder: bytes,
    args: fc.array(bytes),
    env: mapOf(bytes, bytes),
  },
  asMade,
)

test('parsing gives back what was formatted', () => {
  fc.assert(
    fc.property(derivations, (derivation) =>
      assert.deepEqual(parseDerivation(formatDerivation(derivation)), derivation),
    ),
  )
})

test('damaged text parses or is a UserError', () => {
  fc.assert(
    fc.property(derivations, fc.nat(), fc.nat(), bytes, (derivation, from, length, garbage) => {
      const text = formatDerivation(derivation)
      const start = from % text.length
      try {
        parseDerivation(text.slice(0, start) + garbage + text.slice(start + (length % 12)))
      } catch (error) {
        if (!(error instanceof UserError)) throw error
      }
    }),
  )
})

test('references are inputs of both kinds, once', () => {
  const derivation = {
    ...parseDerivation(ATERM),
    inputSources: ['/s/b', '/s/a'],
    inputDerivations: new Map([['/s/b', ['out']]]),
  }
  assert.deepEqual(derivationReferences(derivation), ['/s/a', '/s/b'])
})

test('a deep chain is hashed without recursion, each derivation read once', () => {
  const reads: string[] = []
  const hasher = createDerivationHasher((path) => {
    reads.push(path)
    const depth = Number(path.slice(1))
    return blank({ inputDerivations: new Map(depth === 0 ? [] : [[`/${depth - 1}`, ['out']]]) })
  })
  assert.equal(hasher('/50000').kind, 'input-addressed')
  hasher('/40000')
  assert.equal(reads.length, 50001)
})

test('a cycle is refused', () => {
  const hasher = createDerivationHasher((path) =>
    blank({ inputDerivations: new Map([[path === '/a' ? '/b' : '/a', ['out']]]) }),
  )
  assert.throws(() => hasher('/a'), { code: 'DERIVATION_CYCLE' })
  const self = createDerivationHasher(() => blank({ inputDerivations: new Map([['/a', ['out']]]) }))
  assert.throws(() => self('/a'), { code: 'DERIVATION_CYCLE' })
})

test('content-addressed derivations and what depends on them are deferred', () => {
  const floating = blank({ outputs: new Map([['out', { path: '', hashAlgo: 'r:sha256', hash: '' }]]) })
  const lookup = (): DerivationHash => hashDerivationModulo(floating, unreachable)
  assert.equal(lookup().kind, 'deferred')
  const dependent = blank({ inputDerivations: new Map([['/a', ['out']]]) })
  const filled = fillOutputPaths('/nix/store', 'x', dependent, lookup)
  assert.equal(filled.hash.kind, 'deferred')
  assert.equal(filled.derivation.outputs.get('out')!.path, '')
})

test('a hash in an output must be bare digits of its algorithm', () => {
  assert.equal(
    fixedOutputHash({ path: '', hashAlgo: 'r:sha1', hash: 'da39a3ee5e6b4b0d3255bfef95601890afd80709' }).method,
    'recursive',
  )
  for (const hash of ['sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709', 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=', 'x', '']) {
    assert.throws(() => fixedOutputHash({ path: '', hashAlgo: 'sha1', hash }), UserError)
  }
  assert.throws(() => fixedOutputHash({ path: '', hashAlgo: 'text:sha256', hash: '00' }), UserError)
})

function blank(fields: Partial<Derivation>): Derivation {
  const out = { path: '', hashAlgo: '', hash: '' }
  return {
    outputs: new Map([['out', out]]),
    inputDerivations: new Map(),
    inputSources: [],
    system: 's',
    builder: 'b',
    args: [],
    env: new Map(),
    ...fields,
  }
}

function mapOf<T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> {
  return fc
    .uniqueArray(fc.tuple(keys, values), { maxLength: 6, selector: ([key]) => key })
    .map((pairs) => new Map(pairs))
}

function unreachable(): never {
  throw new Error('no inputs')
}
