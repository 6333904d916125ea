import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { hashBytes, type StorePath } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import { realise, storeSubstituter } from '../../../index.ts'
import { makeDerivation } from '../../make-derivation.ts'
import { type Place, type Scenario, STORE_DIRECTORY } from '../scenario.ts'
import { ofTheTest, withScratch, writeTreeOf } from './scratch.ts'
import { checkSources } from './sources.ts'

export const build: Scenario = { name: 'build', run: buildInSandbox }
export const fetchFixed: Scenario = { name: 'fetch', run: fetchFixedOutput, check: checkSources }
export const substitute: Scenario = { name: 'substitute', prepare: prepareOrigin, run: copyFromOrigin }

async function buildInSandbox(store: Store, _place: Place, seed: number): Promise<StorePath[]> {
  const derivation = makeDerivation(store, {
    name: `built-${seed}`,
    outputs: ['out', 'dev'],
    script: 'echo $dev > $out; mkdir -p $dev/a/b; echo text > $dev/a/b/c',
  })
  return realiseOutputs(store, derivation)
}

async function fetchFixedOutput(store: Store, place: Place, seed: number): Promise<StorePath[]> {
  const source = `${place.aside}/download-${seed}`
  const text = `contents ${seed}\n`.repeat(1000)
  // Whole or not there: a killed worker must not leave half of it to the next one, nor show it to the other worker.
  withScratch(place, (scratch) =>
    ofTheTest(() => {
      writeFileSync(`${scratch}/download`, text)
      renameSync(`${scratch}/download`, source)
    }),
  )
  const hash = Buffer.from(hashBytes('sha256', text).bytes).toString('hex')
  const derivation = makeDerivation(store, {
    name: `fetched-${seed}`,
    builder: 'builtin:fetchurl',
    env: { url: pathToFileURL(source).href },
    fixed: { algorithm: 'sha256', hash },
  })
  return realiseOutputs(store, derivation)
}

function prepareOrigin(place: Place): void {
  const origin = openStore({ storeDirectory: STORE_DIRECTORY, root: `${place.aside}/origin` })
  const tree = `${place.aside}/tree`
  writeTreeOf(0, tree)
  for (let seed = 0; seed < ORIGIN_PATHS; seed++) {
    const below = origin.addText(`below-${seed}`, `${seed}`)
    const path = origin.addPath(`above-${seed}`, tree, { references: [below] })
    writeFileSync(`${place.aside}/above-${seed}`, origin.format(path))
  }
  origin.close()
}

async function copyFromOrigin(store: Store, place: Place, seed: number): Promise<StorePath[]> {
  const path = store.parse(readFileSync(`${place.aside}/above-${seed % ORIGIN_PATHS}`, 'latin1'))
  const origin = openStore({ storeDirectory: STORE_DIRECTORY, root: `${place.aside}/origin`, readOnly: true })
  try {
    await realise(store, [{ path }], { substituters: [storeSubstituter(origin)] })
  } finally {
    origin.close()
  }
  return store.computeClosure([path])
}

async function realiseOutputs(store: Store, derivation: StorePath): Promise<StorePath[]> {
  const report = await realise(store, [{ derivation, outputs: 'all' }], { jobs: 1, cores: 1 })
  return [...report.outputs.values()].flatMap((outputs) => [...outputs.values()])
}

const ORIGIN_PATHS = 40
