import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  createDerivationHasher,
  type Derivation,
  type DerivationHash,
  derivationPath,
  fillOutputPaths,
  fixedOutputPath,
  formatDerivation,
  formatHash,
  formatStorePath,
  type HashAlgorithm,
  type HashEncoding,
  hashBytes,
  parseDerivation,
  textPath,
} from '@baryon/format'
import fc from 'fast-check'
import { nixIsMissing, openNixPeer } from './nix-peer.ts'

const skip = nixIsMissing
const peer = skip === false ? openNixPeer() : undefined
after(() => peer?.remove())

/** A derivation as a random generator sees it; references go to earlier ones by index. */
interface Recipe {
  readonly name: string
  readonly system: string
  readonly builder: string
  readonly args: readonly string[]
  readonly env: readonly (readonly [string, string])[]
  readonly outputs: readonly string[]
  readonly fixed:
    | { readonly algorithm: HashAlgorithm; readonly recursive: boolean; readonly encoding: HashEncoding }
    | undefined
  readonly uses: readonly { readonly index: number; readonly output: number }[]
  readonly text: string | undefined
}

const bytes = fc.string({
  unit: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...'abc XYZ$01{}\'"\\\n\r\t#/') },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) },
  ),
  maxLength: 40,
})
const names = fc.string({ unit: fc.constantFrom(...'abcXYZ019+-._?='), minLength: 1, maxLength: 30 })
const recipes: fc.Arbitrary<Recipe> = fc.record({
  name: names.filter((name) => !name.endsWith('.drv')),
  system: fc.constantFrom('x86_64-linux', 'builtin', 'any'),
  builder: bytes.map((text) => `/bin/sh${text}`),
  args: fc.array(bytes, { maxLength: 4 }),
  env: fc.uniqueArray(
    fc.tuple(
      bytes.filter(
        (name) => !/^(?:out|dev|lib|doc|name|system|builder|args|outputs|use\d|text|__.*)?$|^outputHash/.test(name),
      ),
      bytes,
    ),
    { maxLength: 8, selector: ([name]) => name },
  ),
  outputs: fc.constantFrom(['out'], ['out'], ['out', 'dev'], ['lib', 'doc', 'dev'], ['dev', 'out']),
  fixed: fc.option(
    fc.record({
      algorithm: fc.constantFrom<HashAlgorithm>('md5', 'sha1', 'sha256', 'sha512'),
      recursive: fc.boolean(),
      encoding: fc.constantFrom<HashEncoding>('base16', 'nix32', 'base64', 'sri'),
    }),
    { nil: undefined, freq: 3 },
  ),
  uses: fc.array(fc.record({ index: fc.nat(), output: fc.nat() }), { maxLength: 4 }),
  text: fc.option(bytes, { nil: undefined }),
})

test('nix-instantiate writes the bytes and the paths that we compute', { skip }, () => {
  const store = peer!.storeDirectory
  const batch = fc.sample(recipes, { numRuns: 150, seed: 20170917 })
  const expression = join(peer!.directory, 'batch.nix')
  writeFileSync(expression, nixExpression(batch), 'latin1')
  const paths = peer!.run('nix-instantiate', [expression]).toString().trim().split('\n')
  const made: MadeDerivation[] = []
  const hashes = new Map<string, DerivationHash>()
  for (const [index, recipe] of batch.entries()) {
    const { path, derivation } = make(store, recipe, made, hashes)
    const theirs = readFileSync(paths[index]!.replace(/!.*/, ''), 'latin1')
    assert.equal(formatDerivation(derivation), theirs)
    assert.equal(path, paths[index]!.replace(/!.*/, ''))
    assert.equal(formatDerivation(parseDerivation(theirs)), theirs)
  }
  // Hashing what was read back must not differ from hashing what was made.
  const hasher = createDerivationHasher((path) => parseDerivation(readFileSync(path, 'latin1')))
  for (const { path } of made) assert.deepEqual(hasher(path), hashes.get(path))
})

test('another store directory gives other paths, as Nix computes them without writing', { skip }, () => {
  const store = '/cvmfs/lhcbdev.cern.ch/nix/store'
  const batch = fc.sample(recipes, { numRuns: 60, seed: 42 })
  const expression = join(peer!.directory, 'dry.nix')
  writeFileSync(expression, `map (d: "\${d.drvPath}\\n\${d.outPath}\\n") (${nixExpression(batch)})`, 'latin1')
  const dry = peer!.run('nix-instantiate', ['--eval', '--strict', '--json', '--readonly-mode', expression], {
    storeDirectory: store,
  })
  const lines = (JSON.parse(dry.toString()) as string[]).map((text) => text.trim().split('\n'))
  const made: MadeDerivation[] = []
  const hashes = new Map<string, DerivationHash>()
  for (const [index, recipe] of batch.entries()) {
    const { path, derivation } = make(store, recipe, made, hashes)
    assert.deepEqual([path, derivation.outputs.get(recipeOutputs(recipe)[0]!)!.path], lines[index])
  }
})

test('inputs of equal hash count once, with the outputs of all', { skip }, () => {
  const store = peer!.storeDirectory
  const hash = formatHash(hashBytes('sha1', ''), 'base16')
  for (let salt = 0; salt < 6; salt++) {
    const expression = `
      let f = url: derivation { name = "f"; system = "s"; builder = "b"; inherit url; outputHash = "${hash}"; };
        p = url: derivation { name = "p"; system = "s"; builder = "b"; src = f url; outputs = [ "out" "dev" ]; };
      in derivation { name = "top"; system = "s"; builder = "b"; a = p "${salt}a"; b = (p "${salt}b").dev; c = (p "${salt}c").dev; }`
    const path = peer!.run('nix-instantiate', ['-E', expression]).toString().trim()
    const theirs = parseDerivation(readFileSync(path, 'latin1'))
    const hasher = createDerivationHasher((input) => parseDerivation(readFileSync(input, 'latin1')))
    const blank = { ...theirs, outputs: new Map([['out', { path: '', hashAlgo: '', hash: '' }]]) }
    assert.deepEqual(fillOutputPaths(store, 'top', blank, hasher).derivation.outputs, theirs.outputs)
  }
})

test('nix-store adds files, trees and texts under the paths that we compute', { skip }, () => {
  const store = peer!.storeDirectory
  for (const [index, content] of ['', 'abc\n', '\x00\xff'.repeat(5000)].entries()) {
    const name = `.file-${index}`
    const file = join(peer!.directory, name)
    writeFileSync(file, content, 'latin1')
    const ask = (...args: string[]) =>
      peer!
        .run('nix-store', [...args, file])
        .toString()
        .trim()
    const nar = (algorithm: HashAlgorithm) => hashBytes(algorithm, peer!.run('nix-store', ['--dump', file]))
    const ours = (method: 'flat' | 'recursive', algorithm: HashAlgorithm) =>
      formatStorePath(
        store,
        fixedOutputPath(store, name, {
          method,
          hash: method === 'flat' ? hashBytes(algorithm, content) : nar(algorithm),
        }),
      )
    assert.equal(ours('recursive', 'sha256'), ask('--add'))
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
      assert.equal(ours('flat', algorithm), ask('--add-fixed', algorithm))
      assert.equal(ours('recursive', algorithm), ask('--add-fixed', '--recursive', algorithm))
    }
  }
})

interface MadeDerivation {
  readonly path: string
  readonly derivation: Derivation
  readonly recipe: Recipe
}

function recipeOutputs(recipe: Recipe): readonly string[] {
  return recipe.fixed === undefined ? recipe.outputs : ['out']
}

function make(
  store: string,
  recipe: Recipe,
  made: MadeDerivation[],
  hashes: Map<string, DerivationHash>,
): MadeDerivation {
  const outputs = recipeOutputs(recipe)
  const inputDerivations = new Map<string, string[]>()
  const env = new Map<string, string>(recipe.env)
  env.set('name', recipe.name).set('system', recipe.system).set('builder', recipe.builder)
  if (recipe.fixed === undefined) env.set('outputs', outputs.join(' '))
  for (const [number, use] of usesOf(recipe, made.length).entries()) {
    const input = made[use.index]!
    const names = recipeOutputs(input.recipe)
    const output = names[use.output % names.length]!
    env.set(`use${number}`, input.derivation.outputs.get(output)!.path)
    inputDerivations.set(input.path, [...(inputDerivations.get(input.path) ?? []), output])
  }
  const inputSources: string[] = []
  if (recipe.text !== undefined) {
    const path = formatStorePath(store, textPath(store, 'text', hashBytes('sha256', recipe.text), []))
    env.set('text', path)
    inputSources.push(path)
  }
  const { fixed } = recipe
  const hash = fixed === undefined ? undefined : hashBytes(fixed.algorithm, recipe.name)
  if (fixed !== undefined && hash !== undefined) {
    env.set('outputHash', formatHash(hash, fixed.encoding, false)).set('outputHashAlgo', fixed.algorithm)
    env.set('outputHashMode', fixed.recursive ? 'recursive' : 'flat')
  }
  const hashAlgo = fixed === undefined ? '' : `${fixed.recursive ? 'r:' : ''}${fixed.algorithm}`
  const base16 = hash === undefined ? '' : formatHash(hash, 'base16', false)
  const blank: Derivation = {
    outputs: new Map(outputs.map((name) => [name, { path: '', hashAlgo, hash: base16 }])),
    inputDerivations,
    inputSources,
    system: recipe.system,
    builder: recipe.builder,
    args: recipe.args,
    env,
  }
  const filled = fillOutputPaths(store, recipe.name, blank, (path) => hashes.get(path)!)
  const path = formatStorePath(store, derivationPath(store, recipe.name, filled.derivation))
  hashes.set(path, filled.hash)
  const result = { path, derivation: filled.derivation, recipe }
  made.push(result)
  return result
}

function usesOf(recipe: Recipe, count: number): Recipe['uses'] {
  return count === 0 ? [] : recipe.uses.map((use) => ({ ...use, index: use.index % count }))
}

function nixExpression(batch: readonly Recipe[]): string {
  const bindings = batch.map((recipe, index) => {
    const attributes = recipe.env.map(([name, value]) => `${nixString(name)} = ${nixString(value)};`)
    attributes.push(`name = ${nixString(recipe.name)}; system = ${nixString(recipe.system)};`)
    attributes.push(`builder = ${nixString(recipe.builder)}; args = [ ${recipe.args.map(nixString).join(' ')} ];`)
    for (const [number, use] of usesOf(recipe, index).entries()) {
      const outputs = recipeOutputs(batch[use.index]!)
      attributes.push(`use${number} = d${use.index}.${outputs[use.output % outputs.length]};`)
    }
    if (recipe.text !== undefined) attributes.push(`text = builtins.toFile "text" ${nixString(recipe.text)};`)
    const { fixed } = recipe
    if (fixed === undefined) {
      attributes.push(`outputs = [ ${recipe.outputs.map(nixString).join(' ')} ];`)
    } else {
      const hash = formatHash(hashBytes(fixed.algorithm, recipe.name), fixed.encoding, false)
      attributes.push(`outputHash = "${hash}"; outputHashAlgo = "${fixed.algorithm}";`)
      attributes.push(`outputHashMode = "${fixed.recursive ? 'recursive' : 'flat'}";`)
    }
    return `d${index} = derivation { ${attributes.join(' ')} };`
  })
  return `let ${bindings.join('\n')}\nin [ ${batch.map((_, index) => `d${index}`).join(' ')} ]`
}

function nixString(text: string): string {
  const escaped = text.replace(/["\\$\n\r\t]/g, (char) =>
    char === '\n' ? '\\n' : char === '\r' ? '\\r' : char === '\t' ? '\\t' : `\\${char}`,
  )
  return `"${escaped}"`
}
