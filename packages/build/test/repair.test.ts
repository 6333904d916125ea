import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSourceArchive } from '@baryon/fetch'
import { hashBytes, type StorePath } from '@baryon/format'
import { hashPath, removeTree, type Store } from '@baryon/store'
import { type RepairOptions, type RepairOutcome, repairPaths, storeSubstituter } from '../index.ts'
import { makeDerivation, outputText } from './make-derivation.ts'
import { build, outputPlace, temporaryStore } from './temporary-store.ts'
import { asUnprivileged } from './unprivileged.ts'

function damage(file: string): void {
  chmodSync(file, 0o644)
  writeFileSync(file, 'damaged')
}

/** Each outcome in one line: `NAME: repaired from build`, `NAME: CODE`. */
async function repair(store: Store, paths: readonly StorePath[], options: RepairOptions = {}): Promise<string[]> {
  const outcomes = await repairPaths(store, paths, options)
  return outcomes.map((outcome) => `${outcome.path.name}: ${inWords(outcome)}`)
}

function inWords(outcome: RepairOutcome): string {
  if (outcome.kind === 'failed') return outcome.error.code
  return outcome.kind === 'repaired' ? `repaired from ${outcome.from}` : 'sound'
}

function problems(store: Store): string[] {
  return store.verify({ checkContents: true }).problems.map(({ kind }) => kind)
}

if (asUnprivileged(import.meta.url)) {
  test('a source comes back from the archive, whichever way it was hashed', async () => {
    const store = temporaryStore()
    const root = store.physicalDirectory.slice(0, -store.storeDirectory.length)
    const archive = openSourceArchive(join(root, 'source'))
    const tree = import.meta.dirname
    const recursive = store.addPath('recursive', tree)
    const odd = store.addPath('odd', tree, { algorithm: 'sha1' })
    const flat = store.addPath('flat', import.meta.filename, { method: 'flat', algorithm: 'sha512' })
    const text = store.addText('text', 'text')
    archive.putTree(tree)
    archive.put(import.meta.filename, { hash: hashPath(import.meta.filename, 'sha512', { method: 'flat' }).hash })
    writeFileSync(join(root, 'text'), 'text')
    archive.put(join(root, 'text'), { hash: hashBytes('sha256', 'text') })
    damage(join(store.physicalPath(recursive), 'repair.test.ts'))
    removeTree(store.physicalPath(odd))
    damage(store.physicalPath(flat))
    rmSync(store.physicalPath(text))
    assert.deepEqual(await repair(store, [recursive, odd, flat, text]), [
      'recursive: repaired from archive',
      'odd: repaired from archive',
      'flat: repaired from archive',
      'text: repaired from archive',
    ])
    assert.deepEqual(problems(store), [])
    assert.deepEqual(await repair(store, [flat]), ['flat: sound'])
  })

  test('another store gives only what has the registered hash', async () => {
    const [store, good, bad] = [temporaryStore(), temporaryStore(), temporaryStore()]
    const [path] = [store, good, bad].map((one) => one.addPath('source', import.meta.dirname)) as [StorePath]
    const broken = (one: Store) => damage(join(one.physicalPath(path), 'repair.test.ts'))
    broken(store)
    broken(bad)
    assert.deepEqual(await repair(store, [path]), ['source: REPAIR_IMPOSSIBLE'])
    assert.deepEqual(await repair(store, [path], { substituters: [storeSubstituter(bad)] }), [
      'source: REPAIR_IMPOSSIBLE',
    ])
    assert.deepEqual(problems(store), ['corrupt'])
    const [outcome] = await repairPaths(store, [path], { substituters: [bad, good].map(storeSubstituter) })
    assert.equal(outcome?.kind === 'repaired' && outcome.source, `file://${good.physicalDirectory}`)
    assert.deepEqual(problems(store), [])
  })

  test('an output is built again, after the inputs that are damaged themselves', async () => {
    const store = temporaryStore()
    const a = makeDerivation(store, { name: 'a', script: 'echo one > $out' })
    const b = makeDerivation(store, {
      name: 'b',
      outputs: ['out', 'dev'],
      script: `mkdir $out $dev; cat ${outputText(store, a)} > $out/x; echo $out > $dev/y`,
      inputs: [[a]],
    })
    await build(store, b)
    const [one, out, dev] = [outputText(store, a), outputText(store, b), outputText(store, b, 'dev')].map((text) =>
      store.parse(text),
    ) as [StorePath, StorePath, StorePath]
    damage(outputPlace(store, a))
    removeTree(outputPlace(store, b))
    damage(`${outputPlace(store, b, 'dev')}/y`)
    const inode = store.pathInfo(out)
    assert.deepEqual(await repair(store, [out, dev, one]), [
      'a: repaired from build',
      'b-dev: repaired from build',
      'b: repaired from build',
    ])
    assert.equal(readFileSync(`${outputPlace(store, b)}/x`, 'utf8'), 'one\n')
    assert.deepEqual(store.pathInfo(out), inode)
    assert.deepEqual(problems(store), [])
    assert.deepEqual(
      store.referencePositions(dev)?.map(({ path }) => path),
      ['y'],
    )
  })

  test('what does not come out the same replaces nothing', async () => {
    const store = temporaryStore()
    const derivation = makeDerivation(store, {
      name: 'clock',
      script: 'echo $$ $(cat /proc/sys/kernel/random/uuid) > $out',
    })
    await build(store, derivation)
    const path = store.parse(outputText(store, derivation))
    damage(outputPlace(store, derivation))
    assert.deepEqual(await repair(store, [path]), ['clock: NOT_DETERMINISTIC'])
    assert.equal(readFileSync(outputPlace(store, derivation), 'utf8'), 'damaged')
    rmSync(outputPlace(store, derivation))
    assert.deepEqual(await repair(store, [path]), ['clock: NOT_DETERMINISTIC'])
    assert.ok(!existsSync(outputPlace(store, derivation)))
    const failing = makeDerivation(store, { name: 'failing', script: 'echo > $out' })
    await build(store, failing)
    damage(outputPlace(store, failing))
    damage(store.physicalPath(failing))
    assert.deepEqual(await repair(store, [path, failing]), [
      'clock: NOT_DETERMINISTIC',
      'failing.drv: REPAIR_IMPOSSIBLE',
    ])
  })

  test('an interrupted repair leaves the path as it was', async () => {
    const store = temporaryStore()
    const derivation = makeDerivation(store, { name: 'slow', script: 'echo > $out; sleep 60' })
    const path = store.parse(outputText(store, derivation))
    const controller = new AbortController()
    // Registered without being built: what counts is what is in its place afterwards.
    writeFileSync(store.physicalPath(path), '\n')
    store.registerOutputs([{ path }], { candidates: [], deriver: derivation })
    damage(store.physicalPath(path))
    const running = repairPaths(store, [path], {
      signal: controller.signal,
      onEvent: (event) => event.kind === 'started' && setTimeout(() => controller.abort(), 300),
    })
    await assert.rejects(running)
    assert.equal(readFileSync(store.physicalPath(path), 'utf8'), 'damaged')
    assert.deepEqual(problems(store), ['corrupt'])
  })
}
