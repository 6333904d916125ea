import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Derivation, formatDerivation, parseDerivation } from '@baryon/format'
import { FactKeeper, factsOf } from './derivation-facts.ts'

const out = '/nix/store/nn4nnk58jirkvlpcz4fkn6jxf1ibs92z-job'
const input = '/nix/store/h79n9wdd4d3cn5jisb5gdfcjpckb2vcn-x.drv'

const cases: readonly [title: string, change: Partial<Derivation>, features: readonly string[]][] = [
  ['nothing special', {}, []],
  ['features', { env: new Map([['requiredSystemFeatures', 'kvm  big-parallel\nkvm']]) }, ['big-parallel', 'kvm']],
  ['structured features', { env: new Map([['__json', '{"requiredSystemFeatures":["kvm"]}']]) }, ['kvm']],
  ['sources', { inputSources: ['/nix/store/gg7l44snw2xq9hsvhf8qkz4wh2qjl4fs-source'] }, []],
  ['a path that only the build tells', { outputs: unknownOutput('out') }, ['ca-derivations']],
  ['the second of two such', { outputs: new Map([...unknownOutput('a'), ...unknownOutput('b')]) }, ['ca-derivations']],
]

function unknownOutput(name: string): Derivation['outputs'] {
  return new Map([[name, { path: '', hashAlgo: 'r:sha256', hash: '' }]])
}

for (const [title, change, features] of cases) {
  test(`facts without parsing are those of the whole: ${title}`, () => {
    const derivation: Derivation = {
      outputs: new Map([['out', { path: out, hashAlgo: '', hash: '' }]]),
      inputDerivations: new Map([[input, ['out', 'dev']]]),
      inputSources: [],
      system: 'x86_64-linux',
      builder: '/bin/sh',
      args: ['],"no-system"'],
      env: new Map(),
      ...change,
    }
    const aterm = formatDerivation(derivation)
    for (const withInputs of [false, true]) {
      const keeper = new FactKeeper(withInputs)
      keeper.note(input, aterm)
      const facts = keeper.get(input)
      assert.deepEqual(facts, factsOf(parseDerivation(aterm), withInputs))
      assert.equal(facts?.system, derivation.system)
      assert.deepEqual(facts?.requiredSystemFeatures, features)
      assert.deepEqual(facts?.inputs, withInputs ? { [input]: ['dev', 'out'] } : undefined)
    }
  })
}
