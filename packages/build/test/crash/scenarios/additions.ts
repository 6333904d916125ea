/** What comes into a store, without a build. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { encodeNix32, hashBytes, type StorePath } from '@baryon/format'
import { dumpNar, hashPath, removeTree, type Store } from '@baryon/store'
import { makeDerivation, outputText } from '../../make-derivation.ts'
import type { Place, Scenario } from '../scenario.ts'
import { ofTheTest, withScratch, writeTreeOf } from './scratch.ts'

export const add: Scenario = { name: 'add', run: addTrees }
export const importNar: Scenario = { name: 'import', run: addNar }
export const texts: Scenario = { name: 'texts', run: addTexts }
export const register: Scenario = { name: 'register', run: registerOutputs }

function addTrees(store: Store, place: Place, seed: number): StorePath[] {
  return withScratch(place, (scratch) => {
    const tree = `${scratch}/tree`
    writeTreeOf(seed, tree)
    return [
      store.addPath(`tree-${seed}`, tree),
      store.addPath(`flat-${seed}`, `${tree}/file`, { method: 'flat', algorithm: 'sha512' }),
    ]
  })
}

function addNar(store: Store, place: Place, seed: number): StorePath[] {
  return withScratch(place, (scratch) => {
    const tree = `${scratch}/tree`
    writeTreeOf(seed, tree)
    const nar: Uint8Array[] = []
    dumpNar(tree, (chunk) => nar.push(Buffer.from(chunk)))
    const { hash, size } = hashPath(tree)
    const path = { digest: digestOf(`${seed}`), name: `imported-${seed}` }
    store.addNar({ path, narHash: hash, narSize: size, references: [path] }, nar)
    return [path]
  })
}

function addTexts(store: Store, _place: Place, seed: number): StorePath[] {
  const single = store.addText(`single-${seed}`, `${seed}`)
  const batch = store.startBatch()
  const texts = [0, 1, 2].map((index) =>
    store.addText(`text-${seed}-${index}`, `see ${store.format(single)}`, [single]),
  )
  const derivation = makeDerivation(store, { name: `unbuilt-${seed}`, sources: texts })
  batch.commit()
  return [single, ...texts, derivation]
}

async function registerOutputs(store: Store, _place: Place, seed: number): Promise<StorePath[]> {
  const input = store.addText('input', 'input')
  const derivation = makeDerivation(store, { name: `made-${seed}`, outputs: ['out', 'dev'], sources: [input] })
  const [out, dev] = ['out', 'dev'].map((name) => store.parse(outputText(store, derivation, name))) as [
    StorePath,
    StorePath,
  ]
  const lock = await store.lockPaths([out, dev])
  const made: string[] = []
  try {
    const outputs = [out, dev].map((path) => {
      const aside = { digest: digestOf(`${Math.random()}`), name: 'baryon-tmp' }
      store.addTempRoot(aside)
      const location = store.physicalPath(aside)
      made.push(location)
      const text = path === dev ? store.format(out) : store.format(input)
      ofTheTest(() => {
        mkdirSync(location)
        writeFileSync(`${location}/text`, text)
        symlinkSync(text, `${location}/link`)
      })
      return { path, location }
    })
    store.registerOutputs(outputs, { candidates: [input], deriver: derivation })
  } finally {
    for (const path of made) ofTheTest(() => removeTree(path))
    lock.release()
  }
  return [out, dev, derivation]
}

function digestOf(text: string): string {
  return encodeNix32(hashBytes('sha1', text).bytes)
}
