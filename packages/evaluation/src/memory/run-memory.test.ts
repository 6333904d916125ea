import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '@baryon/store'
import { temporaryDirectory } from '@baryon/testing'
import { type EvaluationRequest, type EvaluationResult, evaluate } from '../../index.ts'

/** Files count as settled when they have been still for a moment. */
const SETTLED = 60

const PACKAGE = (name: string, more = '') =>
  `{ make }: make { name = "${name}"; ${more} } // { helper = x: "${name}-" + x; version = "1"; }`

/** `one` needs nothing, `two` needs `one`, `three` needs what `two` tells of itself. */
const SET = `
let
  make = attrs: derivation ({ system = "s"; builder = "/bin/sh"; } // attrs);
  call = file: args: import file ({ inherit make; } // args);
in rec {
  one = call ./one.nix { };
  two = make { name = "two"; input = one; } // call ./two.nix { };
  three = make { name = two.helper "three"; input = two; v = two.version; };
  alias = one;
}
`

interface Scene {
  readonly directory: string
  write(name: string, text: string): Promise<void>
  evaluate(expression: string, more?: Partial<EvaluationRequest>): Promise<EvaluationResult>
  /** The same without anything kept. */
  anew(expression: string, more?: Partial<EvaluationRequest>): Promise<EvaluationResult>
}

async function scene(t: TestContext): Promise<Scene> {
  const directory = temporaryDirectory(t)
  const write = async (name: string, text: string): Promise<void> => {
    writeFileSync(join(directory, name), text)
    await sleep(SETTLED)
  }
  const request = (text: string, more: Partial<EvaluationRequest>): EvaluationRequest => ({
    source: { kind: 'expression', text: `with import ${directory}/set.nix; ${text}` },
    output: 'json',
    strict: true,
    store: { kind: 'none', storeDirectory: '/nix/store' },
    cacheDirectory: join(directory, 'cache'),
    environment: {},
    ...more,
  })
  await write('one.nix', PACKAGE('one'))
  await write('two.nix', PACKAGE('two'))
  await write('set.nix', SET)
  return {
    directory,
    write,
    evaluate: (text, more = {}) => evaluate(request(text, more)),
    anew: (text, more = {}) => evaluate({ ...request(text, more), cacheDirectory: null }),
  }
}

test('after an edit only what depends on it is evaluated again', async (t) => {
  const { write, evaluate, anew } = await scene(t)
  const all = '[ one.drvPath two.drvPath three.drvPath ]'
  assert.equal((await evaluate(all)).takenOver, 0)
  // Who is evaluated again finds the other in a state that nobody evaluated, functions included.
  await write('set.nix', SET.replace('v = two.version', 'v = two.version + two.helper "x"'))
  const edited = await evaluate(all)
  assert.deepEqual(edited.texts, (await anew(all)).texts)
  await write('two.nix', PACKAGE('two', 'edited = 1;'))
  const leaf = await evaluate(all)
  assert.deepEqual(leaf.texts, (await anew(all)).texts)
  assert.ok(leaf.takenOver! > 0)
  await write('one.nix', PACKAGE('one', 'edited = 1;'))
  assert.deepEqual((await evaluate(all)).texts, (await anew(all)).texts)
  // And what was taken over stays a part of what the answer depends on.
  await write('one.nix', PACKAGE('one', 'edited = 2;'))
  const again = await evaluate(all)
  assert.deepEqual([again.fromCache, again.texts], [false, (await anew(all)).texts])
  assert.equal((await evaluate(all)).fromCache, true)
})

test('an answer depends on the variables that were read for what it takes over', async (t) => {
  const { write, evaluate, anew } = await scene(t)
  await write('one.nix', PACKAGE('one', 'set = builtins.getEnv "SET";'))
  const text = '[ one.drvPath two.drvPath ]'
  await evaluate(text)
  await write('two.nix', PACKAGE('two', 'edited = 1;'))
  assert.ok((await evaluate(text)).takenOver! > 0)
  const environment = { SET: 'x' }
  const answer = await evaluate(text, { environment })
  assert.deepEqual([answer.fromCache, answer.texts], [false, (await anew(text, { environment })).texts])
})

test('what decided on settings is a part of what everything depends on', async (t) => {
  const { directory, write, evaluate, anew } = await scene(t)
  await write('one.nix', PACKAGE('one', 'places = builtins.toJSON builtins.nixPath;'))
  const more = { environment: { HOME: directory } }
  const text = '[ one.drvPath two.drvPath ]'
  await evaluate(text, more)
  mkdirSync(join(directory, '.nix-defexpr/channels'), { recursive: true })
  const { texts } = await evaluate(text, more)
  assert.deepEqual(texts, (await anew(text, more)).texts)
})

test('the derivations of what is taken over are in the store, also after a collection', async (t) => {
  const { directory, write, evaluate } = await scene(t)
  const options = { storeDirectory: '/nix/store', root: join(directory, 'root') }
  const more = { output: 'derivations', store: { kind: 'write', options } } as const
  const areThere = (result: EvaluationResult): void => {
    const store = openStore(options)
    for (const { drvPath } of result.derivations) {
      assert.ok(store.isValid(store.parse(drvPath)), drvPath)
    }
    store.close()
  }
  areThere(await evaluate('{ inherit one two three; }', more))
  await write('two.nix', PACKAGE('two', 'edited = 1;'))
  const edited = await evaluate('{ inherit one two three; }', more)
  assert.ok(edited.takenOver! > 0)
  areThere(edited)
  const store = openStore(options)
  store.collectGarbage()
  store.close()
  const collected = await evaluate('{ inherit one two three; }', more)
  assert.deepEqual([collected.fromCache, collected.takenOver], [false, 0])
  areThere(collected)
})

test('one value under two names stays one', async (t) => {
  const { write, evaluate, anew } = await scene(t)
  const more = { output: 'derivations' } as const
  for (const text of ['{ inherit alias one two; }', '{ inherit two one alias; }']) {
    await evaluate(text, more)
    await write('two.nix', PACKAGE('two', `edited = ${text.length};`))
    const edited = await evaluate(text, more)
    assert.ok(edited.takenOver! > 0)
    assert.deepEqual(edited.derivations, (await anew(text, more)).derivations)
  }
})

test('what prints its own state, or fails, is as if nothing had been kept', async (t) => {
  const { directory, write, evaluate, anew } = await scene(t)
  const kept = (): number =>
    existsSync(join(directory, 'cache/values')) ? readdirSync(join(directory, 'cache/values')).length : 0
  const lazy = { output: 'value', strict: false } as const
  const printed = 'builtins.seq three.drvPath { inherit one two; a = [ three ]; }'
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await evaluate(printed, lazy)).texts, (await anew(printed, lazy)).texts)
    await write('two.nix', PACKAGE('two', `edited = ${i};`))
  }
  assert.equal(kept(), 0, 'it would be of no use')
  const text = '[ one.drvPath three.drvPath ]'
  await evaluate(text)
  assert.equal(kept(), 1)
  await write('two.nix', '{ make }: throw "no"')
  const failure = async (run: Scene['evaluate']): Promise<unknown> => run(text).catch((error: unknown) => error)
  assert.deepEqual(await failure(evaluate), await failure(anew))
  assert.match(String(await failure(evaluate)), /no/)
})

test('a file of kept values that is damaged, empty or a directory is as if it were not there', async (t) => {
  const { directory, write, evaluate, anew } = await scene(t)
  const text = '[ one.drvPath two.drvPath ]'
  await evaluate(text)
  const [name] = readdirSync(join(directory, 'cache/values'))
  const path = join(directory, 'cache/values', name!)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const good = readFileSync(path)
  let edit = 0
  const damages = [
    Buffer.alloc(0),
    good.subarray(0, 60),
    good.subarray(0, good.length - 1),
    Buffer.concat([good, good]),
  ]
  for (let i = 0; i < 40; i++) {
    const bytes = Buffer.from(good)
    bytes[Math.floor((i / 40) * bytes.length)]! ^= 1 << (i % 8)
    damages.push(bytes)
  }
  for (const bytes of damages) {
    writeFileSync(path, bytes)
    writeFileSync(join(directory, 'two.nix'), PACKAGE('two', `edited = ${edit++};`))
    const result = await evaluate(text)
    assert.equal(result.takenOver, 0)
    assert.deepEqual(result.texts, (await anew(text)).texts)
  }
  await write('two.nix', PACKAGE('two'))
  const cache = join(directory, 'other')
  mkdirSync(cache)
  writeFileSync(join(cache, 'values'), 'no directory')
  assert.deepEqual((await evaluate(text, { cacheDirectory: cache })).texts, (await anew(text)).texts)
})

test('a large evaluation starts over on a larger stack, once', async (t) => {
  const directory = temporaryDirectory(t)
  const count = 1300
  for (let i = 0; i < count; i++) writeFileSync(join(directory, `f${i}.nix`), `${i}`)
  const text = `builtins.trace "started" (builtins.foldl' (sum: i: sum + import (${directory} + "/f\${toString i}.nix")) 0
    (builtins.genList (i: i) ${count}))`
  const messages: string[] = []
  const request = {
    source: { kind: 'expression', text },
    output: 'value',
    store: { kind: 'none', storeDirectory: '/nix/store' },
    cacheDirectory: join(directory, 'cache'),
    environment: {},
    onLog: (message: string) => void messages.push(message),
  } as const
  for (let i = 1; i <= 2; i++) {
    assert.deepEqual((await evaluate(request)).texts, [`${(count * (count - 1)) / 2}`])
    assert.deepEqual(messages, Array(i).fill('trace: started'))
  }
  assert.equal(readdirSync(join(directory, 'cache/broad')).length, 1)
})
